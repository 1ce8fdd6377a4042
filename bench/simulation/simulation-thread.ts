import { parentPort, workerData } from 'node:worker_threads';
import type { ScheduleResult } from './schedule.ts';
import { installVirtualNet } from './virtual-net.ts';
import { drain, installVirtualTime, machineMs } from './virtual-time.ts';

/** What a thread is given to play. */
export interface ThreadSetup {
  readonly firstSeed: number;
  /** Which of the seeds are this thread's: every `stride`th. */
  readonly stride: number;
  /** Ends after so many schedules … */
  readonly schedules: number;
  /** … or so many seconds. */
  readonly seconds: number;
  readonly isTraced: boolean;
  readonly hasPowerLoss: boolean;
  /** A module whose `plant(name)` puts a fault into the product's classes. */
  readonly planted?: { readonly module: string; readonly name: string };
}

export type FromThread =
  | { readonly kind: 'result'; readonly result: ScheduleResult; readonly millis: number }
  | { readonly kind: 'trace'; readonly line: string };

/** Played once and not counted: what is made on first use draws on chance. */
const WARM_UP_SEED = 1;

const setup = workerData as ThreadSetup;
const send = (message: FromThread): void => parentPort!.postMessage(message);

installVirtualTime();
installVirtualNet();
// Nobody reads the traces of the errors that a bad network makes by the thousand.
if (!setup.isTraced) Error.stackTraceLimit = 4;
const { playSchedule } = await import('./schedule.ts');
await playSchedule(WARM_UP_SEED);
if (setup.planted !== undefined) {
  const { module, name } = setup.planted;
  const { plant } = (await import(module)) as { plant: (name: string) => void };
  plant(name);
}

const trace = setup.isTraced ? (line: string) => send({ kind: 'trace', line }) : undefined;
const options = { trace, hasPowerLoss: setup.hasPowerLoss };
const endMs = machineMs() + setup.seconds * 1000;
for (let i = 0; i < setup.schedules && machineMs() < endMs; i += 1) {
  const startMs = machineMs();
  const result = await playSchedule(setup.firstSeed + i * setup.stride, options);
  send({ kind: 'result', result, millis: machineMs() - startMs });
  if (result.failure !== undefined) break;
  // Messages to the parent leave between schedules.
  await drain();
}
