import type { Logger } from 'pino';
import { reasonOf } from '../pipeline/error.ts';

/** A long-running part of the system. */
export interface Component {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Rejects when it cannot go on. */
  readonly failed?: Promise<never>;
}

const STOP_TIMEOUT_MS = 4000;
const EXIT_FAILED = 1;

/**
 * Runs a component until SIGTERM or SIGINT, or, under `rollcall up` (ROLLCALL_SUPERVISED=1), until
 * standard input ends, which it does however the parent dies. Never returns: the process ends.
 */
export async function runComponent(component: Component, log: Logger): Promise<never> {
  const asked = askedToStop();
  let status = 0;
  try {
    const started = component.start();
    const failed = component.failed ?? new Promise<never>(() => undefined);
    await Promise.race([started, failed, asked]);
    const reason = await Promise.race([asked, failed]);
    log.info({ reason }, 'stopping');
  } catch (error) {
    log.fatal({ reason: reasonOf(error) }, 'cannot go on');
    status = EXIT_FAILED;
  }
  setTimeout(() => process.exit(status), STOP_TIMEOUT_MS).unref();
  await component.stop().catch((error: unknown) => {
    log.error({ reason: reasonOf(error) }, 'stopping failed');
  });
  process.exit(status);
}

/** Resolves with the reason, once there is one. */
function askedToStop(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    if (process.env['ROLLCALL_SUPERVISED'] !== '1') return;
    process.stdin.resume().once('end', () => resolve('the parent is gone'));
    process.stdin.once('error', () => resolve('the parent is gone'));
  });
}
