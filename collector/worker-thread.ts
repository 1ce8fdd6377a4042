import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { FromWorker, ToWorker, WorkerMetrics, WorkerSetup } from './worker-protocol.ts';

const MEASURE_TIMEOUT_MS = 2000;
const STOP_TIMEOUT_MS = 3500;
/** Nothing a frame needs lives long: more only makes the thread larger (V8's own limit is 48 MiB). */
const YOUNG_MIB_MAX = 6;

/** A worker thread as the main thread holds it. */
export class WorkerThread {
  readonly #worker: Worker;
  readonly #index: number;
  readonly #log: Logger;
  #isStopping = false;
  #measured: WorkerMetrics = [];

  /** `onFailed` is called at most once, if the thread ends without being asked to. */
  constructor(setup: WorkerSetup, log: Logger, onFailed: (reason: string) => void) {
    this.#index = setup.index;
    this.#log = log;
    this.#worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: setup,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB_MAX },
    });
    this.#worker.on('error', (error: unknown) => {
      onFailed(`worker ${this.#index} failed: ${String(error)}`);
    });
    this.#worker.on('exit', () => {
      if (!this.#isStopping) onFailed(`worker ${this.#index} ended`);
    });
    this.#worker.on('message', (message: FromWorker) => {
      // One agent's word does not end a collector: the claims say who owns what.
      if (message.kind === 'stale') {
        this.#log.warn(
          { reason: message.message },
          'an agent says that another collector took over',
        );
      }
    });
  }

  /** Resolves when the thread is connected and takes targets; rejects if it fails before. */
  get ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve();
    });
    this.#worker.once('error', reject);
    return promise;
  }

  send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Its metrics; those that it told last, if it does not answer in time: totals must not go back. */
  measure(): Promise<WorkerMetrics> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(), MEASURE_TIMEOUT_MS);
      const onMessage = (message: FromWorker): void => {
        if (message.kind !== 'metrics') return;
        this.#measured = message.metrics;
        done();
      };
      const done = (): void => {
        clearTimeout(timer);
        this.#worker.off('message', onMessage);
        resolve(this.#measured);
      };
      this.#worker.on('message', onMessage);
      this.send({ kind: 'measure' });
    });
  }

  /** Lets it hang up and deliver what it has; ends it by force if it takes too long. */
  stop(isSucceeded: boolean): Promise<void> {
    this.#isStopping = true;
    return new Promise((resolve) => {
      // One that has ended already says no `exit` again.
      const force = (): void => void this.#worker.terminate().then(() => resolve());
      const timer = setTimeout(force, STOP_TIMEOUT_MS);
      this.#worker.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.send({ kind: 'stop', isSucceeded });
    });
  }
}
