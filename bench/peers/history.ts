import type { SeriesInfo } from '../../pipeline/wire/catalogue.ts';
import { phaseMsOf, targetId } from '../../pipeline/wire/shard.ts';
import { instanceOf } from '../fleet/fleet.ts';
import { hostSeed } from '../fleet/host-seed.ts';
import { seriesOf } from '../fleet/http-exposition.ts';
import { Replay } from '../recording/replay.ts';
import { standardRecording } from '../recording/standard-recording.ts';
import { labelsOf } from './targets.ts';
import { unitsOf, VariedSource } from './varied-source.ts';

export interface HistoryOptions {
  readonly hosts: number;
  readonly metrics: number;
  readonly intervalMs: number;
  readonly durationMs: number;
  /** A multiple of the interval. */
  readonly endMs: number;
  readonly seed: number;
}

/** What one host said between two instants. */
export interface Stretch {
  readonly timestampsMs: readonly number[];
  /** As many rows as timestamps, each with a value a series. */
  readonly rows: Float64Array;
}

/**
 * What the first hosts of the fleet said before anybody listened: the recording, repeated for as long as is wanted,
 * and varied (`VariedSource`). It can be read any number of times, always the same.
 */
export class History {
  readonly options: HistoryOptions;
  readonly series: readonly SeriesInfo[];
  readonly #replay: Replay;
  readonly #units: Float64Array;

  constructor(options: HistoryOptions) {
    this.options = options;
    this.#replay = new Replay(standardRecording(), options.metrics);
    this.#units = unitsOf(this.#replay);
    this.series = seriesOf(this.#replay);
  }

  get startMs(): number {
    return this.options.endMs - this.options.durationMs;
  }

  get endMs(): number {
    return this.options.endMs;
  }

  /** Ticks of each host. */
  get ticks(): number {
    return Math.floor(this.options.durationMs / this.options.intervalMs);
  }

  get samples(): number {
    return this.options.hosts * this.ticks * this.series.length;
  }

  /** All hosts at the beginning of their history. */
  hosts(): HistoryHost[] {
    const { hosts, seed } = this.options;
    return Array.from({ length: hosts }, (_, index) => {
      const source = new VariedSource(this.#replay, this.#units, hostSeed(seed, index));
      return new HistoryHost(index, this, source);
    });
  }
}

/** One host, which tells its history from the beginning to the end. */
export class HistoryHost {
  readonly instance: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly #source: VariedSource;
  readonly #intervalMs: number;
  readonly #endMs: number;
  readonly #width: number;
  #nextMs: number;

  constructor(index: number, { options, startMs, endMs, series }: History, source: VariedSource) {
    const { intervalMs } = options;
    this.instance = instanceOf(index);
    this.labels = labelsOf(index);
    this.#source = source;
    this.#intervalMs = intervalMs;
    this.#endMs = endMs;
    this.#width = series.length;
    // Never at a multiple of the interval, where windows begin and end: systems differ on whether that is within.
    this.#nextMs = startMs + 1 + phaseMsOf(targetId(this.instance), intervalMs - 1);
  }

  /** What comes next, before an instant. */
  until(untilMs: number): Stretch {
    const limitMs = Math.min(untilMs, this.#endMs);
    const ticks = Math.max(0, Math.ceil((limitMs - this.#nextMs) / this.#intervalMs));
    const timestampsMs = Array.from(
      { length: ticks },
      (_, tick) => this.#nextMs + tick * this.#intervalMs,
    );
    const rows = new Float64Array(ticks * this.#width);
    for (let tick = 0; tick < ticks; tick += 1) {
      this.#source.next(rows, tick * this.#width);
    }
    this.#nextMs += ticks * this.#intervalMs;
    return { timestampsMs, rows };
  }
}
