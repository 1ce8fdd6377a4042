import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { Test } from 'tap';
import type { NappingThread } from './napping-thread.ts';

const THREAD = new URL('napping-thread.ts', import.meta.url);
const HOUR_MS = 3_600_000;

function thread(t: Test, wanted: Partial<NappingThread>): Worker {
  const workerData = { periodMs: 5, everyMs: 1, turns: 20, isStopped: false, ...wanted };
  const worker = new Worker(THREAD, { workerData });
  t.teardown(() => worker.terminate());
  return worker;
}

/** How many naps the thread took. */
async function napsOf(t: Test, wanted: Partial<NappingThread>): Promise<number> {
  const [naps] = (await once(thread(t, wanted), 'message')) as [number];
  return naps;
}

await t.test('turns that would follow each other closely are kept apart', async (t) => {
  // However slow this machine is, not every one of them is late by more than that.
  t.ok((await napsOf(t, { periodMs: 100 })) > 0);
});

await t.test('a turn that comes alone is not followed by a nap', async (t) => {
  // Node wakes the thread now and then for itself.
  t.ok((await napsOf(t, { periodMs: 1, everyMs: 20 })) < 10);
});

await t.test('once stopped it naps no more', async (t) => {
  t.equal(await napsOf(t, { periodMs: 100, isStopped: true }), 0);
});

await t.test('a thread that has nothing to do ends', async (t) => {
  const worker = thread(t, { turns: 1 });
  const [status] = (await once(worker, 'exit')) as [number];
  t.equal(status, 0);
});

await t.test('a thread that naps can be ended', async (t) => {
  const worker = thread(t, { periodMs: HOUR_MS });
  await once(worker, 'online');
  t.equal(await worker.terminate(), 1);
});
