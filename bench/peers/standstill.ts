import { setTimeout as sleep } from 'node:timers/promises';
import { RollcallError } from '../../pipeline/error.ts';

const LOOK_EVERY_MS = 500;
const WAIT_MS_MAX = 3_600_000;

/**
 * Resolves when a state has been the same for so long.
 *
 * @param look the state, or undefined while it is known that something goes on
 * @throws RollcallError `not_started` after an hour
 */
export async function standsStill(
  what: string,
  stillMs: number,
  look: () => Promise<string | undefined>,
): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  let before = await look();
  let sinceMs = performance.now();
  while (performance.now() < endMs) {
    if (before !== undefined && performance.now() - sinceMs >= stillMs) return;
    await sleep(Math.min(LOOK_EVERY_MS, Math.max(50, stillMs)));
    const now = await look();
    if (now !== before || now === undefined) sinceMs = performance.now();
    before = now;
  }
  throw new RollcallError('not_started', `${what} does not come to rest`);
}
