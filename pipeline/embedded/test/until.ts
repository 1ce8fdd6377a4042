import { setTimeout as sleep } from 'node:timers/promises';

const GIVE_UP_MS = 60_000;
const POLL_MS = 20;

/**
 * Waits until `probe` answers something other than undefined or false, and returns that. A probe that
 * throws has not succeeded yet: servers of tests die and come back.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> {
  const deadlineMs = performance.now() + GIVE_UP_MS;
  let last: unknown;
  for (;;) {
    try {
      last = await probe();
      if (last !== undefined && last !== false) return last as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadlineMs) {
      throw new Error(`it never came to this: ${what}`, { cause: last });
    }
    await sleep(POLL_MS);
  }
}
