import { instanceOf } from '../../fleet/fleet.ts';
import type { FaultCase } from '../fault-case.ts';
import type { FaultRun } from '../fault-run.ts';
import type { Role } from '../../system/system.ts';

/** So that minutes are stored while somebody looks. */
const OFTEN = { ROLLCALL_WRITER_CLOSING_SPAN: '2s' };
/** A collector may owe an agent an acknowledgement for so many frames. */
const FRAMES_PER_ACK = 4;
const MIB = 1024 * 1024;
/** Far above what any component needs for some hundred agents, far below what an unbounded queue takes. */
const RSS_BYTES_MAX = 512 * MIB;
const CLICKHOUSE_TIMEOUT = { ROLLCALL_CLICKHOUSE_REQUEST_TIMEOUT: '5s' } as const;

export const clickhouseDies: FaultCase = {
  id: 'F3',
  title: 'ClickHouse dies during an insert',
  mustHold: 'inserts are whole, and there once',
  settings: () => ({
    environment: { ...CLICKHOUSE_TIMEOUT, ROLLCALL_WRITER_FLUSH_INTERVAL: '100ms' },
  }),
  async disturb(run) {
    const times = run.either(8, 3);
    for (let i = 0; i < times; i += 1) {
      await run.aRandomMoment(2000);
      run.say(`SIGKILL to ClickHouse, ${i + 1} of ${times}`);
      await run.disturbed(async () => {
        await run.system.clickhouse.kill();
        await run.system.clickhouse.ready();
      });
    }
  },
};

export const natsDies: FaultCase = {
  id: 'F4',
  title: 'NATS dies under load',
  mustHold: 'nothing is lost of what was acknowledged to an agent',
  async disturb(run) {
    const times = run.either(5, 2);
    for (let i = 0; i < times; i += 1) {
      await run.aRandomMoment(4000);
      run.say(`SIGKILL to NATS, ${i + 1} of ${times}`);
      await run.disturbed(async () => {
        await run.system.nats.kill();
        await run.system.nats.ready();
        await acknowledgedAgain(run, 30_000);
      });
    }
  },
};

export const natsIsAway: FaultCase = {
  id: 'F5',
  title: 'NATS is down for 3 minutes',
  mustHold: 'processes live, memory is bounded, and the rings of the agents replay',
  async disturb(run) {
    await run.disturbed(async () => {
      await run.system.nats.holdDown('SIGTERM');
      await run.seconds(180, 15);
      const { unacknowledged } = await run.fleet.status();
      const { agents } = run.fleet.options;
      run.check('agents keep what they say', unacknowledged > 8 * agents, `${unacknowledged}`);
      await run.system.nats.start();
      await acknowledgedAgain(run, 60_000);
    });
    checkAlive(run);
    for (const { part } of run.system.members) {
      const bytes = part.rssBytesMax;
      const text = `${Math.round(bytes / MIB)} MiB`;
      run.check(`memory of ${part.name} is bounded`, bytes < RSS_BYTES_MAX, text);
    }
  },
};

/** One episode is provoked while the database hangs: its page must come as if nothing were. */
const PAGE_MS_MAX = 5000;
const BUFFER_BYTES_MAX = 256 * 1024;

export const clickhouseHangs: FaultCase = {
  id: 'F6',
  title: 'ClickHouse hangs for 2 minutes',
  mustHold: 'alerts go on (a page within 5 s), and what is in flight is capped',
  settings: () => ({
    reservedAgents: 1,
    environment: {
      ...CLICKHOUSE_TIMEOUT,
      ROLLCALL_WRITER_BUFFER_BYTES_MAX: String(BUFFER_BYTES_MAX),
      ROLLCALL_WRITER_FLUSH_BYTES_MAX: String(BUFFER_BYTES_MAX),
    },
  }),
  async disturb(run) {
    const pages = run.catchers[0]!.pages;
    await run.disturbed(async () => {
      run.system.clickhouse.signal('SIGSTOP');
      await run.seconds(60, 8);
      const before = pages.length;
      await run.fleet.breach(0, 'sim_breach', true);
      const isPaged = await run.eventually(PAGE_MS_MAX + run.intervalMs, () =>
        pages.slice(before).some(({ instance }) => instance === instanceOf(0)),
      );
      run.checkInTime('a page comes within 5 s while the database hangs', isPaged);
      await run.seconds(60, 7);
      await checkBuffers(run);
      run.system.clickhouse.signal('SIGCONT');
      await run.system.clickhouse.ready();
    });
    await run.intervals(5);
    await run.fleet.breach(0, 'sim_breach', false);
    checkAlive(run);
  },
};

async function checkBuffers(run: FaultRun): Promise<void> {
  const bytes = await run.system.sum('writer', 'rollcall_writer_buffer_bytes');
  // A lane may exceed its share by the batch that it was reading.
  const max = run.system.lanes * (BUFFER_BYTES_MAX + 512 * 1024);
  run.check('the buffers of the writer are capped', bytes <= max, `${bytes} of ${max} bytes`);
}

const smallLane = (agents: number) => ({
  ROLLCALL_NATS_LANES: '1',
  // Half a minute of the usual load: a lane is trimmed every 5 seconds.
  ROLLCALL_NATS_LANE_STREAM_BYTES_MAX: `${Math.max(1024, 12 * agents)}KiB`,
  // What a collector may hold of an agent that is not in the stream.
  ROLLCALL_COLLECTOR_CREDIT_BYTES: '4KiB',
});
/** Some twenty frames. */
const SMALL_RING_BYTES = 8 * 1024;
const FULL_MS_MAX = 240_000;

export const streamIsFull: FaultCase = {
  id: 'F7',
  title: 'ClickHouse is gone until the stream is full',
  mustHold:
    'back-pressure reaches the agents, every drop is counted, and everything drains afterwards',
  settings: ({ agents }) => ({ environment: smallLane(agents), ringBytesMax: SMALL_RING_BYTES }),
  async disturb(run) {
    const before = await run.fleet.status();
    await run.disturbed(async () => {
      await run.system.clickhouse.holdDown('SIGKILL');
      const isFull = await run.eventually(FULL_MS_MAX, async () => {
        const retries = 'rollcall_collector_publish_retries_total';
        return (await run.system.sum('collector', retries, 'reason="stream_full"')) > 0;
      });
      run.check('the collector says that the stream is full', isFull);
      run.say('the stream is full');
      const isDropping = await run.eventually(
        FULL_MS_MAX,
        async () => (await run.fleet.status()).dropped > 0,
      );
      run.check('back-pressure reaches the rings', isDropping);
      await run.intervals(run.either(20, 5));
      await run.system.clickhouse.start();
      await acknowledgedAgain(run, 90_000);
    });
    const after = await run.fleet.status();
    run.droppedMax = after.frames - before.frames;
    run.check('drops are counted', after.dropped > 0, `${after.dropped} counted by the agents`);
    checkAlive(run);
  },
};

const CAUGHT_UP_MS_MAX = 60_000;

export const natsDiskIsFull: FaultCase = {
  id: 'F8',
  title: 'the disk under NATS is full',
  mustHold: 'errors are seen, nothing is acknowledged meanwhile, and it drains when there is room',
  settings: () => ({ disks: { nats: 96 * MIB } }),
  async disturb(run) {
    await run.disturbed(async () => {
      await fillUnder(run, 'nats', 'collector', 'publish_retries_total');
      await run.intervals(5);
      const { unacknowledged } = await run.fleet.status();
      const isHeld = unacknowledged > FRAMES_PER_ACK * run.fleet.options.agents;
      run.check('nothing is acknowledged meanwhile', isHeld, `${unacknowledged} wait in rings`);
      await run.seconds(20, 5);
      run.disks.nats!.free();
      run.say('there is room again');
      if (await acknowledgedAgain(run, 30_000)) return;
      run.note('JetStream did not go on by itself once there was room: NATS was restarted');
      await run.system.nats.holdDown('SIGTERM');
      await run.system.nats.start();
      const isAcknowledged = await acknowledgedAgain(run, CAUGHT_UP_MS_MAX);
      run.check('what waited in rings is acknowledged after that', isAcknowledged);
    });
  },
};

export const clickhouseDiskIsFull: FaultCase = {
  id: 'F8C',
  title: 'the disk under ClickHouse is full',
  mustHold: 'errors are seen, and it drains by itself when there is room',
  settings: () => ({ disks: { clickhouse: 768 * MIB }, environment: CLICKHOUSE_TIMEOUT }),
  async disturb(run) {
    await run.disturbed(async () => {
      await fillUnder(run, 'clickhouse', 'writer', 'retries_total');
      await run.seconds(20, 8);
      run.disks.clickhouse!.free();
      run.say('there is room again');
      const isCaughtUp = await run.eventually(CAUGHT_UP_MS_MAX, async () => {
        const { frames } = await run.fleet.status();
        return (await run.stored()) > frames - 4 * run.fleet.options.agents;
      });
      run.check('the writer catches up once there is room', isCaughtUp);
    });
    checkAlive(run);
  },
};

/** Fills the disk under a server, and goes on until those who write to it have noticed. */
async function fillUnder(
  run: FaultRun,
  server: 'nats' | 'clickhouse',
  role: Role,
  counter: string,
): Promise<void> {
  const disk = run.disks[server]!;
  const name = `rollcall_${role}_${counter}`;
  const before = await run.system.sum(role, name);
  disk.fill();
  run.say(`the disk under ${server} is full`);
  const isSeen = await run.eventually(60_000, async () => {
    disk.fill();
    return (await run.system.sum(role, name)) > before;
  });
  run.check(`the ${role} sees errors while the disk under ${server} is full`, isSeen);
}

export const answerIsLost: FaultCase = {
  id: 'F9',
  title: 'an insert commits but its answer is lost',
  mustHold: 'it is stored once',
  settings: () => ({ proxied: ['clickhouse'], environment: { ...CLICKHOUSE_TIMEOUT, ...OFTEN } }),
  async disturb(run) {
    const proxy = run.system.proxies.clickhouse!;
    const times = run.either(5, 2);
    for (const table of [
      'samples_recent',
      'frames_recent',
      'series_minutes',
      'frames',
      'lane_runs',
    ]) {
      const before = proxy.swallowed;
      run.say(`${times} answers to inserts into ${table} are lost`);
      await run.disturbed(async () => {
        // In the address or in the body of the request.
        proxy.swallowAnswers(new RegExp(`INSERT(?:[+ ]|%20)INTO(?:[+ ]|%20)${table}\\b`), times);
        await run.eventually(30_000, () => proxy.swallowed >= before + times);
      });
      const lost = proxy.swallowed - before;
      run.check(`answers to inserts into ${table} were lost`, lost === times, String(lost));
    }
  },
};

/** Whether the agents have hardly more in their rings than is on its way. */
async function acknowledgedAgain(run: FaultRun, msMax: number): Promise<boolean> {
  return run.eventually(msMax, async () => {
    const { unacknowledged, connected } = await run.fleet.status();
    const { agents } = run.fleet.options;
    return connected === agents && unacknowledged <= FRAMES_PER_ACK * agents;
  });
}

function checkAlive(run: FaultRun): void {
  for (const { part } of run.system.members) {
    const deaths = part.unmeantDeaths.map(({ how }) => how).join(', ');
    run.check(`${part.name} lives on`, deaths === '', deaths);
  }
}
