import { createHash } from 'node:crypto';
import type { FrameRow, Part, SampleRow } from './clickhouse-blocks.ts';
import type { Table, TableWatcher } from './clickhouse-tables.ts';
import type { Closings, RunRow } from './lane-runs.ts';
import { addSums, isSameSum, NO_SAMPLES, sampleSum } from './sample-sums.ts';
import type { SampleSum } from './sample-sums.ts';
import { Violation } from './violation.ts';

/** What ClickHouse holds of a part. */
interface Holding {
  readonly closing: bigint;
  readonly partition: string;
  readonly frames: readonly FrameRow[];
  /** By place: target and time. */
  readonly samples: ReadonlyMap<string, SampleSum>;
}

/** At one time of one target. */
interface Place {
  /** What lanes have taken. */
  accepted: SampleSum;
  /** What queries show. */
  shown: SampleSum;
  /** How many samples the frames have that queries show. */
  claimed: number;
  /** Simulated ms. */
  changedMs: number;
  /** When queries last showed more of it than before, simulated ms. */
  grewMs: number;
  /** JetStream has lost a frame of it: what was shown may vanish. */
  hasLost: boolean;
  /** A lane has let go of a frame of it: what was shown stays. */
  isTrimmed: boolean;
}

/**
 * What queries see: the views `stored_frames` and `samples_between`, kept up to date with each change of the
 * tables and checked at each. A change is one row of `lane_runs`, or one part.
 */
export class ShownRows implements TableWatcher {
  checks = 0;
  readonly #nowMs: () => number;
  readonly #onRow: (row: RunRow) => void;
  readonly #holdings: Readonly<Record<Table, Map<bigint, Holding[]>>> = {
    frames_recent: new Map(),
    frames: new Map(),
    samples_recent: new Map(),
    series_minutes: new Map(),
  };
  readonly #places = new Map<string, Place>();
  /** By frame. */
  readonly #placesOf = new Map<string, Place>();
  /** Frames that are shown, with the closing that holds them. */
  readonly #frames = new Map<string, bigint>();
  #closings: Closings = { open: new Set(), hidden: new Set() };
  /** What each token was given for. */
  readonly #tokens = new Map<string, string>();
  /** When each epoch of a stream was first heard of, simulated ms; and the newest that has begun its run. */
  readonly #claims = new Map<string, number>();
  readonly #heads = new Map<string, number>();
  /** What the change under way takes away: of frames, and of places with what they had before. */
  readonly #goneFrames = new Set<string>();
  readonly #before = new Map<string, SampleSum>();

  /** `nowMs` is the simulated time; `onRow` is told of each row of `lane_runs` that counts now. */
  constructor(nowMs: () => number, onRow: (row: RunRow) => void) {
    this.#nowMs = nowMs;
    this.#onRow = onRow;
  }

  get frames(): number {
    return this.#frames.size;
  }

  has(frame: string): boolean {
    return this.#frames.has(frame);
  }

  /** Whether a frame is shown and nothing that happens to its writer can change that. */
  isSafe(frame: string): boolean {
    const closing = this.#frames.get(frame);
    return closing !== undefined && !this.#closings.open.has(closing);
  }

  /** A lane has taken a frame with these samples. */
  accept(frame: string, target: bigint, timestampMs: number, samples: SampleSum): void {
    const place = this.#placeOf(placeKey(target, timestampMs));
    this.#placesOf.set(frame, place);
    place.accepted = addSums(place.accepted, samples);
  }

  /** JetStream had taken a frame and has lost it. */
  lose(frame: string): void {
    const place = this.#placesOf.get(frame);
    if (place !== undefined) place.hasLost = true;
  }

  /** A lane has let go of a frame. */
  trim(frame: string): void {
    const place = this.#placesOf.get(frame);
    if (place !== undefined) place.isTrimmed = true;
  }

  /** A token names one block, however often it comes. */
  onBlock(table: string, token: string, chunks: readonly Uint8Array[]): void {
    const hash = createHash('sha1');
    for (const chunk of chunks) hash.update(chunk);
    const digest = hash.digest('base64');
    const key = `${table} ${token}`;
    this.checks += 1;
    if ((this.#tokens.get(key) ?? digest) !== digest) {
      throw new Violation('token_reused', `two different blocks of ${table} came as ${token}`);
    }
    this.#tokens.set(key, digest);
  }

  onFrames(table: 'frames_recent' | 'frames', { closing, partition, rows }: Part<FrameRow>): void {
    this.#hold(table, { closing, partition, frames: rows, samples: new Map() });
  }

  onRecent(part: Part<SampleRow>): void {
    this.#hold('samples_recent', holdingOf(part));
  }

  onMinutes(part: Part<SampleRow>): void {
    this.#hold('series_minutes', holdingOf(part));
  }

  onRun(row: RunRow, closings: Closings): void {
    const before = this.#closings;
    const changed = new Set([
      ...before.open.symmetricDifference(closings.open),
      ...before.hidden.symmetricDifference(closings.hidden),
    ]);
    this.#eachOf(changed, -1);
    this.#closings = closings;
    this.#eachOf(changed, 1);
    const what = `lane ${row.lane} epoch ${row.epoch} number ${row.number}`;
    this.#check(what, this.#claimOfBegin(row));
    if (closings.open.has(BigInt(row.run) + BigInt(row.number))) this.#onRow(row);
  }

  /** When the lane was claimed whose run begins with this row, simulated ms; undefined for other rows. */
  #claimOfBegin({ lane, stream_id: stream, epoch, number }: RunRow): number | undefined {
    const name = `${lane} ${stream}`;
    const claim = `${name} ${epoch}`;
    if (!this.#claims.has(claim)) this.#claims.set(claim, this.#nowMs());
    if (number === 0 || epoch <= (this.#heads.get(name) ?? 0)) return undefined;
    this.#heads.set(name, epoch);
    return this.#claims.get(claim);
  }

  onGone(table: Table, isGone: (part: Holding) => boolean): void {
    for (const [closing, holdings] of this.#holdings[table]) {
      const gone = holdings.filter(isGone);
      if (this.#shows(table, closing)) for (const one of gone) this.#show(one, -1);
      const left = holdings.filter((one) => !isGone(one));
      this.#holdings[table].set(closing, left);
    }
    this.#check(`rows went from ${table}`);
  }

  /** What is shown is what frames say, but for places where something happened since `settledMs`. */
  checkAll(settledMs: number): void {
    for (const [key, { shown, claimed, changedMs }] of this.#places) {
      this.checks += 1;
      if (shown.rows === claimed || changedMs > settledMs) continue;
      const reason = `${key} has ${shown.rows} samples, its frames ${claimed}`;
      throw new Violation('samples_differ', reason);
    }
  }

  #hold(table: Table, holding: Holding): void {
    const { closing } = holding;
    const held = this.#holdings[table];
    const others = held.get(closing);
    if (others === undefined) held.set(closing, [holding]);
    else others.push(holding);
    if (!this.#shows(table, closing)) return;
    this.#show(holding, 1);
    this.#check(`rows of ${table} of closing ${closing}`);
  }

  #shows(table: Table, closing: bigint): boolean {
    const { open, hidden } = this.#closings;
    if (table === 'samples_recent' || table === 'frames_recent') return open.has(closing);
    return !hidden.has(closing) && !open.has(closing);
  }

  #eachOf(closings: Iterable<bigint>, times: 1 | -1): void {
    for (const closing of closings) {
      for (const table of [
        'frames_recent',
        'frames',
        'samples_recent',
        'series_minutes',
      ] as const) {
        if (!this.#shows(table, closing)) continue;
        for (const holding of this.#holdings[table].get(closing) ?? []) this.#show(holding, times);
      }
    }
  }

  /** Queries show a part from now on, or no longer. */
  #show({ closing, frames, samples }: Holding, times: 1 | -1): void {
    for (const row of frames) {
      const key = frameKey(row.target, row.incarnation, row.seq);
      this.#change(placeKey(row.target, row.timestampMs)).claimed += times * row.samples;
      if (times === -1) {
        this.#frames.delete(key);
        this.#goneFrames.add(key);
        continue;
      }
      const other = this.#frames.get(key);
      if (other !== undefined) {
        const message = `frame ${key} in closing ${closing}, before in ${other}`;
        throw new Violation('stored_twice', message);
      }
      this.#frames.set(key, closing);
      this.#goneFrames.delete(key);
    }
    for (const [key, sum] of samples) {
      const place = this.#change(key);
      place.shown = addSums(place.shown, sum, times);
    }
  }

  #change(key: string): Place {
    const place = this.#placeOf(key);
    place.changedMs = this.#nowMs();
    if (!this.#before.has(key)) this.#before.set(key, place.shown);
    return place;
  }

  #placeOf(key: string): Place {
    let place = this.#places.get(key);
    if (place === undefined) {
      place = {
        accepted: NO_SAMPLES,
        shown: NO_SAMPLES,
        claimed: 0,
        changedMs: 0,
        grewMs: 0,
        hasLost: false,
        isTrimmed: false,
      };
      this.#places.set(key, place);
    }
    return place;
  }

  /**
   * After a change: the places and frames that it touched are as they may be.
   *
   * @param claimMs when a run begins: since when its predecessor may have inserted what the run has not read
   *   yet, for its lane still has it
   */
  #check(what: string, claimMs = Infinity): void {
    for (const [key, before] of this.#before) {
      this.checks += 1;
      const place = this.#places.get(key)!;
      const { accepted, shown, claimed } = place;
      const isWhole = shown.rows < accepted.rows || isSameSum(shown, accepted);
      if (shown.rows > accepted.rows || shown.rows < claimed || !isWhole) {
        const counts = `${shown.rows} samples; accepted ${accepted.rows}, of frames ${claimed}`;
        throw new Violation('samples_differ', `${key} has ${counts} after ${what}`);
      }
      if (shown.rows < before.rows && !mayVanish(place, claimMs)) {
        const counts = `${shown.rows} samples, before ${before.rows}`;
        throw new Violation('vanished', `${key} has ${counts} after ${what}`);
      }
      if (shown.rows > before.rows) place.grewMs = this.#nowMs();
    }
    for (const key of this.#goneFrames) {
      if (mayVanish(this.#placesOf.get(key)!, claimMs)) continue;
      throw new Violation('vanished', `frame ${key} is gone after ${what}`);
    }
    this.#before.clear();
    this.#goneFrames.clear();
  }
}

function mayVanish({ grewMs, hasLost, isTrimmed }: Place, claimMs: number): boolean {
  return hasLost || (grewMs > claimMs && !isTrimmed);
}

export function frameKey(target: bigint, incarnation: bigint, seq: number): string {
  return `${target.toString(36)}/${incarnation.toString(36)}/${seq}`;
}

function placeKey(target: bigint, timestampMs: number): string {
  return `${target.toString(36)} ${timestampMs}`;
}

function holdingOf({ closing, partition, rows }: Part<SampleRow>): Holding {
  const samples = new Map<string, SampleSum>();
  for (const { metric, target, timestampMs, value } of rows) {
    const key = placeKey(target, timestampMs);
    samples.set(key, addSums(samples.get(key) ?? NO_SAMPLES, sampleSum(metric, value)));
  }
  return { closing, partition, frames: [], samples };
}
