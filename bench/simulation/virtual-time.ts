import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers';
import promises from 'node:timers/promises';
import type { Scheduler } from './scheduler.ts';
import { VirtualTimer } from './virtual-timer.ts';

/** Lets all promises and `nextTick`s run, however many follow each other. */
const realSetImmediate = globalThis.setImmediate;
const realNow = performance.now.bind(performance);

let scheduler: Scheduler | undefined;

/** The scheduler whose time and chance the product gets from now on. */
export function useScheduler(next: Scheduler | undefined): void {
  scheduler = next;
}

export function drain(): Promise<void> {
  return new Promise((resolve) => realSetImmediate(resolve));
}

/** The machine's own monotonic clock, ms. */
export function machineMs(): number {
  return realNow();
}

function running(): Scheduler {
  if (scheduler === undefined) throw new Error('no schedule runs: nothing may wait');
  return scheduler;
}

function setTimeoutVirtually(run: (...a: unknown[]) => void, delayMs = 1, ...a: unknown[]) {
  return new VirtualTimer(running(), () => run(...a), Math.max(1, delayMs), false);
}

function setIntervalVirtually(run: (...a: unknown[]) => void, delayMs = 1, ...a: unknown[]) {
  return new VirtualTimer(running(), () => run(...a), delayMs, true);
}

function setImmediateVirtually(run: (...a: unknown[]) => void, ...a: unknown[]) {
  return new VirtualTimer(running(), () => run(...a), 0, false);
}

function clearVirtually(timer: unknown): void {
  if (timer instanceof VirtualTimer) timer.close();
}

function sleepVirtually<T>(
  delayMs = 1,
  value?: T,
  { signal }: { signal?: AbortSignal } = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.close();
      const error = new DOMException('The operation was aborted', 'AbortError');
      reject(Object.assign(error, { cause: signal!.reason as unknown }));
    };
    const timer = new VirtualTimer(
      running(),
      () => {
        signal?.removeEventListener('abort', abort);
        resolve(value as T);
      },
      delayMs,
      false,
    );
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}

function randomBytesVirtually(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  running().random.fill(bytes);
  return bytes;
}

/**
 * Puts simulated time and chance in the place of this thread's. To be called before any module of the
 * product is loaded, in a thread of its own: nothing undoes it.
 */
export function installVirtualTime(): void {
  const waiting = {
    setTimeout: setTimeoutVirtually,
    setInterval: setIntervalVirtually,
    setImmediate: setImmediateVirtually,
    clearTimeout: clearVirtually,
    clearInterval: clearVirtually,
    clearImmediate: clearVirtually,
  };
  Object.assign(globalThis, waiting);
  Object.assign(timers, waiting);
  Object.assign(promises, { setTimeout: sleepVirtually });
  const realDateNow = Date.now;
  Date.now = () => (scheduler === undefined ? realDateNow() : Math.floor(scheduler.wallMs));
  performance.now = () => scheduler?.nowMs ?? realNow();
  const realRandom = Math.random;
  Math.random = () => scheduler?.random.next() ?? realRandom();
  const { randomBytes } = crypto;
  Object.assign(crypto, {
    randomBytes: (size: number) =>
      scheduler === undefined ? randomBytes(size) : randomBytesVirtually(size),
  });
  syncBuiltinESMExports();
}
