/*
 * A thread that keeps a pace: it takes `turns` turns of its event loop, each begun by a timer of `everyMs`, and says
 * how many naps it took.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { LoopPace } from '../loop-pace.ts';

const { periodMs, everyMs, turns, isStopped } = workerData as NappingThread;

export interface NappingThread {
  readonly periodMs: number;
  readonly everyMs: number;
  readonly turns: number;
  readonly isStopped: boolean;
}

const pace = new LoopPace(periodMs).start();
if (isStopped) pace.stop();
await sleep(2 * everyMs);
const before = pace.naps;
for (let turn = 0; turn < turns; turn += 1) await sleep(everyMs);
parentPort?.postMessage(pace.naps - before);
