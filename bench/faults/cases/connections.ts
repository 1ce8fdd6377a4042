import type { FaultCase } from '../fault-case.ts';
import type { FaultRun } from '../fault-run.ts';
import { instanceOf } from '../../fleet/fleet.ts';

const HALF_OPEN_AGENTS = 8;

export const halfOpen: FaultCase = {
  id: 'F14',
  title: 'half-open agents',
  mustHold:
    'up is 0 within two cycles, the connection is given up, and they come back by themselves',
  settings: () => ({ proxiedAgents: HALF_OPEN_AGENTS }),
  async disturb(run) {
    const { agentProxies: proxies, intervalMs } = run;
    for (let agent = 0; agent < proxies.length; agent += 1) run.excuse('TargetDown', agent);
    const silentMs = Date.now();
    const silentAt = performance.now();
    for (const proxy of proxies) proxy.setSilent(true);
    const isFreed = await run.eventually(30_000, () =>
      proxies.every((proxy) => proxy.openSince(silentAt) === 0),
    );
    const freedSeconds = (performance.now() - silentAt) / 1000;
    run.check('the connections are given up', isFreed, `after ${freedSeconds.toFixed(1)} s`);
    const downMs = await downAfterMs(run, proxies.length, silentMs);
    // The last frame may have come just before, and up is told once an interval.
    const isSoon = downMs <= 3 * intervalMs;
    run.checkInTime(
      'up is 0 two cycles after the last frame',
      isSoon,
      `after ${downMs} ms at most`,
    );
    await run.seconds(20, 5);
    for (const proxy of proxies) proxy.setSilent(false);
    const isBack = await run.eventually(30_000, () => proxies.every(({ open }) => open === 1));
    run.checkInTime('they are connected again within 30 s', isBack);
    await run.intervals(5);
  },
};

/** The longest time from a moment to the first `up` of 0 afterwards, over the first `agents`. */
async function downAfterMs(run: FaultRun, agents: number, sinceMs: number): Promise<number> {
  let down: { instance: string; after: number }[] = [];
  await run.eventually(30_000, async () => {
    const rows = await run.system.store.rows<{ instance: string; at: string }>(
      `SELECT instance, toUnixTimestamp64Milli(min(time)) AS at FROM metrics(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00')
       WHERE name = 'up' AND value = 0 AND toUnixTimestamp64Milli(time) > {sinceMs:Int64}
           AND instance IN {instances:Array(String)}
       GROUP BY instance`,
      { sinceMs, instances: Array.from({ length: agents }, (_, agent) => instanceOf(agent)) },
    );
    down = rows.map(({ instance, at }) => ({ instance, after: Number(at) - sinceMs }));
    return down.length === agents;
  });
  if (down.length < agents) return Infinity;
  return Math.max(...down.map(({ after }) => after));
}

/** All agents are dialled within so many seconds at the stated rate. */
const REDIAL_SECONDS = 5;
/** Connections end before the first dial, and the first may wait this long for its turn. */
const BACKOFF_MS_MAX = 3000;

function storm(isTls: boolean): FaultCase {
  return {
    id: isTls ? 'F18T' : 'F18',
    title: `reconnect storm, ${isTls ? 'mutual TLS' : 'plain'}`,
    mustHold: `the rate of dialling is capped, all are back in ${REDIAL_SECONDS} s and a pause, no tick is missing`,
    settings: () => ({
      isTls,
      environment: {
        ROLLCALL_COLLECTOR_BACKOFF_MAX: `${BACKOFF_MS_MAX}ms`,
        // The rate is set per collector once their number and the agents' are known.
      },
    }),
    disturb: (run) => breakAllConnections(run),
  };
}

export const reconnectStorm = storm(false);
export const reconnectStormTls = storm(true);

async function breakAllConnections(run: FaultRun): Promise<void> {
  const { fleet, system } = run;
  const { agents } = fleet.options;
  const collectors = system.of('collector');
  const rate = Math.max(1, Math.ceil(agents / REDIAL_SECONDS / collectors.length));
  await run.disturbed(async () => {
    for (const { part } of collectors) {
      await part.holdDown('SIGTERM');
      await part.start({ ROLLCALL_COLLECTOR_DIALS_PER_SECOND: String(rate) });
    }
    await run.eventually(60_000, async () => (await fleet.status()).connected === agents);
  });
  const times = run.either(5, 2);
  for (let i = 0; i < times; i += 1) {
    await run.aRandomMoment(5000);
    const { connections } = await fleet.ledger();
    const before = connections.length;
    run.say(`every connection is reset, ${i + 1} of ${times}`);
    const startedMs = performance.now();
    await run.disturbed(async () => {
      await fleet.resetConnections();
      await run.eventually(60_000, async () => (await fleet.status()).connected === agents);
    });
    const tookMs = performance.now() - startedMs;
    const limitMs = 1000 * (REDIAL_SECONDS + 1) + BACKOFF_MS_MAX;
    run.checkInTime('all are back in time', tookMs <= limitMs, `${(tookMs / 1000).toFixed(1)} s`);
    const opened = (await fleet.ledger()).connections.slice(before);
    const most = mostInASecond(opened.map(({ openedMs }) => openedMs));
    const cap = rate * collectors.length;
    // A second of ours overlaps two of the gate's.
    run.check('the rate is capped', most <= 2 * cap, `${most} dials in a second, cap ${cap}`);
  }
}

/** The most of these instants that lie within one second. */
function mostInASecond(instants: readonly number[]): number {
  const sorted = instants.toSorted((a, b) => a - b);
  let [most, first] = [0, 0];
  for (let last = 0; last < sorted.length; last += 1) {
    while (sorted[last]! - sorted[first]! >= 1000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}
