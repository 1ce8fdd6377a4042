import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { testBus, testClickHouse, testNats, testStore } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import {
  catalogueOf,
  countRows,
  framesOf,
  instancesOf,
  publishBatch,
  samplesOf,
  storedFrames,
  storedSamples,
} from './traffic.ts';
import type { SentFrame } from './traffic.ts';

/** More of them by hand: `KILLS=200 ./rollcall test pipeline/writer/test/kills.test.ts`. */
const KILLS = Number(process.env['KILLS'] ?? 15);
const PROCESS = new URL('writer-process.ts', import.meta.url).pathname;
const DAY_MS = 86_400_000;
const NOW_MS = Date.now();
const A = catalogueOf(['load1'], ['load5'], ['temperature', ['chip', '0']]);
const FLEET = 'kills';

const nats = await testNats(t);
const clickhouse = await testClickHouse(t);

function frameOf(instance: string, seq: number): SentFrame {
  return {
    instance,
    incarnation: 7n,
    seq,
    // Some frames lie on the day before.
    timestampMs: NOW_MS - (seq % 5 === 0 ? DAY_MS : 0) + seq,
    catalogue: A,
    values: [seq, seq % 3 === 0 ? undefined : -seq, seq / 7],
  };
}

/** Starts a writer; `said` is what it has printed. */
function startWriter(t: Test, epoch: number) {
  const args = [PROCESS, nats.port, clickhouse.port, FLEET, epoch].map(String);
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  t.teardown(kill);
  return { child, kill, said: () => said };
}

await t.test(`${KILLS} kills at random moments lose and repeat nothing`, async (t) => {
  const bus = await testBus(t, nats.port, FLEET);
  const store = await testStore(t, clickhouse.port, FLEET);
  const lane = bus.topology.lane(0);
  const instances = instancesOf(30);
  const frames: SentFrame[] = [];
  const stop = new AbortController();
  const sending = (async () => {
    for (let seq = 1; !stop.signal.aborted; seq += 1) {
      const tick = instances.map((instance) => frameOf(instance, seq));
      frames.push(...tick);
      // Now and then some of what has been sent is sent again, as after a lost acknowledgement.
      const from = Math.floor(Math.random() * frames.length);
      const again = Math.random() < 0.3 ? frames.slice(from, from + 50) : [];
      await publishBatch(bus, lane, [...(seq === 1 ? [A] : []), ...tick, ...again]);
      await sleep(20);
    }
  })();
  t.teardown(() => stop.abort());
  const counts = { killed: 0, overlapped: 0, stopped: 0, fenced: 0 };
  let writer = startWriter(t, 1);
  for (let epoch = 2; counts.killed < KILLS; epoch += 1) {
    await until('it runs', () => writer.said().includes('running'));
    await sleep(Math.random() * 300);
    const way = Math.random();
    const predecessor = writer;
    if (way < 0.5) {
      await predecessor.kill();
      writer = startWriter(t, epoch);
    } else {
      // The successor comes while the other one works, or is held up and wakes when it has been replaced.
      const isStopped = way < 0.75;
      if (isStopped) predecessor.child.kill('SIGSTOP');
      writer = startWriter(t, epoch);
      await until('the successor runs', () => writer.said().includes('running'));
      await sleep(Math.random() * 100);
      if (isStopped) predecessor.child.kill('SIGCONT');
      await sleep(Math.random() * 100);
      counts[isStopped ? 'stopped' : 'overlapped'] += 1;
      if (predecessor.said().includes('fenced')) counts.fenced += 1;
      await predecessor.kill();
    }
    counts.killed += 1;
  }
  stop.abort();
  await sending;
  const unique = framesOf(frames);
  await until(
    'all is stored',
    async () => (await countRows(store, 'stored_frames')) >= unique.length,
  );
  await writer.kill();
  t.comment(JSON.stringify({ ...counts, frames: unique.length }));
  t.same(await storedFrames(store), unique, 'the frames');
  t.same(await storedSamples(store), samplesOf(frames), 'the samples');
});
