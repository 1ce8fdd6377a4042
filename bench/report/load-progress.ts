import { bytes, duration, short } from '../../cli/up/quantity.ts';
import { COMPONENTS } from '../load/load-report.ts';
import type { TimelineRow } from '../load/load-report.ts';
import { milliseconds } from './load-summary.ts';

/** A title, the width of its column, and what stands in it. Widths add up to less than 80 columns. */
const COLUMNS: readonly (readonly [string, number, (row: TimelineRow) => string])[] = [
  ['time', 7, (row) => time(Math.round(row.seconds))],
  ['sent/s', 6, (row) => short(row.samples_sent_per_second)],
  ['stored/s', 8, (row) => short(row.samples_stored_per_second)],
  ['fresh', 6, (row) => milliseconds(row.freshness_ms)],
  ['cores', 5, ({ cpu_cores: cores }) => sumOf(COMPONENTS.map((each) => cores[each])).toFixed(2)],
  ['busy', 5, (row) => row.cpu_cores.machine.toFixed(2)],
  ['memory', 8, ({ rss_bytes: rss }) => bytes(sumOf(COMPONENTS.map((each) => rss[each])))],
  ['queued', 8, (row) => bytes(sumOf(Object.values(row.queue_bytes)))],
  ['lag', 5, (row) => short(row.alerter_lag_messages)],
  ['parts', 5, (row) => short(row.parts)],
];

/** Rows between two headers, where rows stay. */
const ROWS_PER_HEADER = 20;
/** Erase in Line, ECMA-48 8.3.41: from the cursor to the end. */
const ERASE = '\x1b[K';

/**
 * What the columns of `progressRow` are. `cores` and `memory` are those of all components, without the simulator;
 * `busy` is the whole machine, `queued` all that waits on the road, `lag` messages that no alerter has evaluated.
 */
export function progressHeader(): string {
  return aligned(COLUMNS.map(([title]) => title));
}

/** One second of a run in less than 80 columns. */
export function progressRow(row: TimelineRow): string {
  return aligned(COLUMNS.map(([, , of]) => of(row)));
}

/** A stream such as `process.stderr`. */
export interface ProgressOutput {
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Shows a run while it goes on: on a terminal a header and one row that is written over, elsewhere a row below
 * the other. What is said in between stays.
 */
export class LoadProgress {
  readonly #output: ProgressOutput;
  readonly #isInPlace: boolean;
  /** Since the last header; undefined if there is none. */
  #rows: number | undefined;

  /** @param isInPlace whether the output is a terminal, where a line can be written over */
  constructor(output: ProgressOutput, isInPlace: boolean) {
    this.#output = output;
    this.#isInPlace = isInPlace;
  }

  say(text: string): void {
    this.end();
    this.#output.write(`${text}\n`);
  }

  row(row: TimelineRow): void {
    const isFull = !this.#isInPlace && this.#rows === ROWS_PER_HEADER;
    if (this.#rows === undefined || isFull) {
      this.#output.write(`${this.#cut(progressHeader())}\n`);
      this.#rows = 0;
    }
    this.#rows += 1;
    const text = this.#cut(progressRow(row));
    this.#output.write(this.#isInPlace ? `\r${text}${ERASE}` : `${text}\n`);
  }

  /** Leaves the last row where it is. */
  end(): void {
    if (this.#rows === undefined) return;
    if (this.#isInPlace) this.#output.write('\n');
    this.#rows = undefined;
  }

  /** A line that wraps cannot be written over. */
  #cut(text: string): string {
    return this.#isInPlace ? text.slice(0, (this.#output.columns ?? 80) - 1) : text;
  }
}

function time(seconds: number): string {
  if (Math.abs(seconds) < 60) return `${seconds} s`;
  return seconds < 0 ? `-${duration(-seconds)}` : duration(seconds);
}

function aligned(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(COLUMNS[i]![1])).join(' ');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
