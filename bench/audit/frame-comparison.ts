import { REPORT_SLOTS } from '../../collector/target-report.ts';
import { instanceOf } from '../fleet/fleet.ts';
import type { LedgerContent } from '../fleet/ledger.ts';
import { Examples } from './examples.ts';
import type { StoredFrame } from './stored-frames.ts';

export interface FrameTotals {
  /** Frames that agents appended to their rings. */
  readonly sent: number;
  /** Of these, how many are there, whole and at least once. */
  readonly stored: number;
  /** Not stored, and the system counted that. */
  readonly dropped: number;
  /** Not stored, and nobody counted it. */
  readonly lost: number;
  /** Stored more than once. */
  readonly duplicated: number;
  /** Stored with other values, another time or another number of samples than were sent. */
  readonly changed: number;
  /** Stored, but never sent. */
  readonly invented: number;
}

export interface FrameComparison extends FrameTotals {
  /** Of the kinds `lost`, `torn`, `duplicated`, `changed`, `invented`. */
  readonly examples: Examples;
}

/**
 * Holds what was stored against the ledger, frame by frame. A missing frame that its agent's full ring
 * dropped and counted, or that died with the ring of an agent that a script stopped, is `dropped`; any
 * other one is `lost`.
 */
export class FrameComparator {
  readonly #ledger: LedgerContent;
  /** The row of the ledger, by agent's name, run and seq. */
  readonly #rows = new Map<string, number>();
  readonly #found: Uint8Array;
  readonly #examples = new Examples();
  #stored = 0;
  #duplicated = 0;
  #changed = 0;
  #invented = 0;

  constructor(ledger: LedgerContent) {
    this.#ledger = ledger;
    const { frames, runs } = ledger;
    this.#found = new Uint8Array(frames.seq.length);
    for (let row = 0; row < frames.seq.length; row += 1) {
      const { agent, incarnation } = runs[frames.run[row]!]!;
      this.#rows.set(keyOf(instanceOf(agent), incarnation, frames.seq[row]!), row);
    }
  }

  add(stored: Iterable<StoredFrame>): void {
    for (const each of stored) this.#addOne(each);
  }

  finish(): FrameComparison {
    const { frames, runs } = this.#ledger;
    const counted = runs.map((run) => new Set([...run.dropped, ...run.abandoned]));
    let [dropped, lost] = [0, 0];
    for (let row = 0; row < frames.seq.length; row += 1) {
      if (this.#found[row] === 1) continue;
      if (counted[frames.run[row]!]!.has(frames.seq[row]!)) {
        dropped += 1;
        continue;
      }
      lost += 1;
      this.#example(row);
    }
    return {
      sent: frames.seq.length,
      stored: this.#stored,
      dropped,
      lost,
      duplicated: this.#duplicated,
      changed: this.#changed,
      invented: this.#invented,
      examples: this.#examples,
    };
  }

  #addOne(stored: StoredFrame): void {
    const { instance, incarnation, seq, copies, samples, rows } = stored;
    const row = this.#rows.get(keyOf(instance, incarnation, seq));
    if (row === undefined || copies === 0) {
      this.#invented += 1;
      this.#examples.add('invented', shown(stored));
      return;
    }
    const { frames } = this.#ledger;
    const sent = frames.samples[row]!;
    // Rows in `frames` without their samples are no frame: then it stays missing.
    if (rows < sent) {
      this.#examples.add('torn', `${shown(stored)} of ${sent} samples`);
      return;
    }
    this.#found[row] = 1;
    this.#stored += 1;
    if (copies > 1 || rows > sent) {
      this.#duplicated += 1;
      this.#examples.add('duplicated', `${shown(stored)} of ${sent} samples`);
      return;
    }
    const isSame =
      (samples === sent || samples === sent + REPORT_SLOTS) &&
      stored.timestampMs === frames.timestampMs[row] &&
      stored.low === frames.low[row] &&
      stored.high === frames.high[row];
    if (isSame) return;
    this.#changed += 1;
    this.#examples.add('changed', `${shown(stored)} of ${sent} samples`);
  }

  #example(row: number): void {
    const { frames, runs } = this.#ledger;
    const { agent, incarnation } = runs[frames.run[row]!]!;
    const time = new Date(frames.timestampMs[row]!).toISOString();
    const run = incarnation.toString(16);
    const where = `${instanceOf(agent)} run ${run} seq ${frames.seq[row]} at ${time}`;
    this.#examples.add('lost', where);
  }
}

function keyOf(instance: string, incarnation: bigint, seq: number): string {
  return `${instance} ${incarnation} ${seq}`;
}

function shown(frame: StoredFrame): string {
  const { instance, incarnation, seq, copies, samples, rows, timestampMs } = frame;
  return (
    `${instance} run ${incarnation.toString(16)} seq ${seq} at ` +
    `${new Date(timestampMs).toISOString()}: ${copies} × in frames (${samples} samples), ${rows} rows`
  );
}
