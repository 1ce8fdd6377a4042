import { realpathSync } from 'node:fs';
import type { SeriesSink } from '../source.ts';
import { SELDOM_READS } from './kernel-file.ts';
import type { SourcePart } from './source-parts.ts';

/**
 * A part that is made anew when what it was made from is another: the target of a link, a text that
 * is a label of all its series. That is looked at now and then.
 */
export class RenewedPart<Origin extends string | number> implements SourcePart {
  readonly #origin: () => Origin | undefined;
  readonly #open: (origin: Origin) => SourcePart | null;
  #current: Origin | undefined;
  #part: SourcePart | null = null;
  #readsToLook = 0;

  /** Without an origin there is no part; nor is there if `open` gives null. */
  constructor(origin: () => Origin | undefined, open: (origin: Origin) => SourcePart | null) {
    this.#origin = origin;
    this.#open = open;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToLook === 0) {
      this.#look();
      this.#readsToLook = SELDOM_READS;
    }
    this.#readsToLook--;
    this.#part?.read(sink);
  }

  close(): void {
    this.#drop();
    this.#readsToLook = 0;
  }

  #look(): void {
    const origin = this.#origin();
    // Nothing to open a moment ago may be something now.
    if (origin === this.#current && this.#part !== null) return;
    this.#drop();
    if (origin === undefined) return;
    this.#part = this.#open(origin);
    this.#current = origin;
  }

  #drop(): void {
    this.#part?.close();
    this.#part = null;
    this.#current = undefined;
  }
}

/**
 * A device behind a link whose name may go to another device, as `hwmon3` does when drivers are
 * loaded in another order. Its files are read where the link points to, so that they vanish with
 * the device instead of showing another one's figures under its name.
 */
export function linkedDevice(
  link: string,
  open: (directory: string) => SourcePart | null,
): SourcePart {
  return new RenewedPart(() => targetOf(link), open);
}

/** Where a path leads through all links; undefined if nowhere. */
export function targetOf(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
