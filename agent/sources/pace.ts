import { SELDOM_READS } from './kernel-file.ts';
import type { SourcePart } from './source-parts.ts';

/** After this long the rest of a reading is put off. */
const READING_MS_MAX = 200;
/** A value that was put off is shown for so many reads. */
export const SHOWN_READS_MAX = 2 * SELDOM_READS;

/**
 * Keeps slow hardware from making everything else late: a disk may take 20 ms to tell its
 * temperature and a dead I2C bus a second to say nothing. Once a reading has used up its time, what
 * is left of its round is read by the next one, and shows its last values meanwhile:
 *
 *     reading 1   a a a b b b|          time is up
 *     reading 2               c c c     now everything has had its turn
 *     reading 3   a a a …
 *
 * It is the first part of the source whose other parts ask it.
 */
export class Pace implements SourcePart {
  readonly #nowMs: () => number;
  #reading = 0;
  #round = 0;
  #deadlineMs = 0;
  #incomplete = false;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** The number of this reading. */
  get reading(): number {
    return this.#reading;
  }

  /** What was read in this round is to wait for what was not. */
  get round(): number {
    return this.#round;
  }

  /** Whether there is time to read something now; if not, the round goes on at the next reading. */
  hasTime(): boolean {
    if (this.#nowMs() < this.#deadlineMs) return true;
    this.#incomplete = true;
    return false;
  }

  read(): void {
    this.#reading++;
    if (!this.#incomplete) this.#round++;
    this.#incomplete = false;
    this.#deadlineMs = this.#nowMs() + READING_MS_MAX;
  }

  close(): void {
    this.#incomplete = false;
  }
}
