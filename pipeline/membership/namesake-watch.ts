import type { Logger } from 'pino';
import type { Presence } from './presence.ts';

const WARN_EVERY_MS = 60_000;

/**
 * Says when another living member has our name: both share the work, but report as one target, and
 * nobody can tell them apart. At most one line a minute.
 */
export class NamesakeWatch {
  readonly #log: Logger;
  readonly #self: { readonly role: string; readonly name: string };
  #warnedMs = -Infinity;

  constructor(log: Logger, self: { readonly role: string; readonly name: string }) {
    this.#log = log;
    this.#self = self;
  }

  /** Another member spoke. */
  hear({ id, name, isLeaving }: Presence, nowMs = performance.now()): void {
    const { role } = this.#self;
    if (name !== this.#self.name || isLeaving || nowMs - this.#warnedMs < WARN_EVERY_MS) return;
    this.#warnedMs = nowMs;
    this.#log.error(
      { role, name, member: id },
      `another ${role} uses the name ${name} too: give each its own with --member`,
    );
  }
}
