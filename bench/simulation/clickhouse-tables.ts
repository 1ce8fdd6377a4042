import { framePart, minutePart, recentPart } from './clickhouse-blocks.ts';
import type { FrameRow, Part, SampleRow } from './clickhouse-blocks.ts';
import { closingsInUse, closingsOf, mergeRuns } from './lane-runs.ts';
import type { Closings, RunRow } from './lane-runs.ts';

/** A table that gets blocks. */
export type Table = 'frames_recent' | 'frames' | 'samples_recent' | 'series_minutes';

/** A table of what is not stored by the minute yet. */
export type RecentTable = Extract<Table, 'frames_recent' | 'samples_recent'>;
/** A table that closings can be deleted from. */
export type HidingTable = Exclude<Table, 'samples_recent'>;

/** Watches what the tables get and lose, part by part. */
export interface TableWatcher {
  /** A block has come, whether or not its token makes it stay. */
  onBlock(table: string, token: string, chunks: readonly Uint8Array[]): void;
  onFrames(table: 'frames_recent' | 'frames', part: Part<FrameRow>): void;
  onRecent(part: Part<SampleRow>): void;
  onMinutes(part: Part<SampleRow>): void;
  /** A row of `lane_runs` has come. */
  onRun(row: RunRow, closings: Closings): void;
  /** Parts are gone. */
  onGone(
    table: Table,
    isGone: (part: Pick<Part<unknown>, 'closing' | 'partition'>) => boolean,
  ): void;
}

/**
 * Tokens that a table remembers, the newest: as with the real one, more than there are inserts while an attempt
 * of another may still be under way. Few, so that a longer schedule has more.
 */
export const TOKENS_MAX = 40;

/** What the simulated ClickHouse has committed; it survives every crash. */
export class ClickHouseTables {
  readonly runs: RunRow[] = [];
  readonly recentFrames: Part<FrameRow>[] = [];
  readonly frames: Part<FrameRow>[] = [];
  readonly recent: Part<SampleRow>[] = [];
  readonly minutes: Part<SampleRow>[] = [];
  readonly series: Record<string, unknown>[] = [];
  readonly catalogues: Record<string, unknown>[] = [];
  /** By table; each token with the partition that its block went into. */
  readonly #tokens = new Map<string, Map<string, string>>();
  readonly #watcher: TableWatcher;

  constructor(watcher: TableWatcher) {
    this.#watcher = watcher;
  }

  /** The view `closings`. */
  get closings(): Closings {
    return closingsOf(this.runs);
  }

  /** The view `stored_frames`. */
  get storedFrames(): FrameRow[] {
    const { open, hidden } = this.closings;
    return [
      ...rowsOf(this.frames, (closing) => !open.has(closing) && !hidden.has(closing)),
      ...rowsOf(this.recentFrames, (closing) => open.has(closing)),
    ];
  }

  /** The view `samples_between`, of all times. */
  get samples(): SampleRow[] {
    const { open, hidden } = this.closings;
    return [
      ...rowsOf(this.minutes, (closing) => !open.has(closing) && !hidden.has(closing)),
      ...rowsOf(this.recent, (closing) => open.has(closing)),
    ];
  }

  runsOf({ lane, stream }: { lane: string; stream: number }): RunRow[] {
    return this.runs.filter((row) => row.lane === lane && row.stream_id === stream);
  }

  /** Which closings somebody has open, of all that the recent tables may hold. */
  get inUse(): Set<bigint> {
    return closingsInUse(this.runs);
  }

  /** Of the recent tables, what nobody has open: table and partition. */
  get closedPartitions(): string[] {
    const of = (table: RecentTable): string[] =>
      this.partitionsBut(table, this.inUse).map((partition) => `${table} ${partition}`);
    return [...of('samples_recent'), ...of('frames_recent')];
  }

  /** Those of other closings, or of days before `oldest`. */
  partitionsBut(table: RecentTable, closings: ReadonlySet<bigint>, oldest = ''): string[] {
    const others = this.#partsOf(table).filter(({ closing, partition }) => {
      return !closings.has(closing) || partition.split('-')[1]! < oldest;
    });
    return [...new Set(others.map(({ partition }) => partition))];
  }

  /** What ReplacingMergeTree may do at any time. */
  mergeRuns(): void {
    this.runs.splice(0, Infinity, ...mergeRuns(this.runs));
  }

  /** One INSERT: a block whose token the table has seen is dropped as a whole. */
  insertBlock(table: string, chunks: readonly Uint8Array[], token: string): void {
    this.#watcher.onBlock(table, token, chunks);
    const tokens = this.#tokens.get(table) ?? new Map<string, string>();
    this.#tokens.set(table, tokens);
    if (tokens.has(token)) return;
    const { partition } = this.#insertPart(table, chunks);
    tokens.set(token, partition);
    if (tokens.size > TOKENS_MAX) tokens.delete(tokens.keys().next().value!);
  }

  insertRows(table: string, rows: readonly object[]): void {
    if (table === 'lane_runs') {
      for (const row of rows as readonly RunRow[]) {
        this.runs.push(row);
        this.#watcher.onRun(row, this.closings);
      }
      return;
    }
    const tables: Readonly<Record<string, object[]>> = {
      series: this.series,
      catalogues: this.catalogues,
    };
    const into = tables[table];
    if (into === undefined) throw new Error(`the simulated ClickHouse has no table ${table}`);
    into.push(...rows);
  }

  /** The tokens of what is gone are forgotten with it. */
  dropPartition(table: RecentTable, partition: string): void {
    const parts = this.#partsOf(table);
    const left = parts.filter((part) => part.partition !== partition);
    parts.splice(0, Infinity, ...left);
    const tokens = this.#tokens.get(table) ?? new Map<string, string>();
    for (const [token, of] of tokens) if (of === partition) tokens.delete(token);
    this.#watcher.onGone(table, (part) => part.partition === partition);
  }

  deleteClosings(table: HidingTable, closings: readonly bigint[]): void {
    const parts = this.#partsOf(table);
    const left = parts.filter(({ closing }) => !closings.includes(closing));
    parts.splice(0, Infinity, ...left);
    this.#watcher.onGone(table, (part) => closings.includes(part.closing));
  }

  #partsOf(table: Table): Part<unknown>[] {
    const parts: Readonly<Record<Table, Part<unknown>[]>> = {
      frames_recent: this.recentFrames,
      frames: this.frames,
      samples_recent: this.recent,
      series_minutes: this.minutes,
    };
    return parts[table];
  }

  #insertPart(table: string, chunks: readonly Uint8Array[]): Part<unknown> {
    switch (table) {
      case 'frames_recent':
      case 'frames': {
        const part = framePart(chunks, table);
        this.#partsOf(table).push(part);
        this.#watcher.onFrames(table, part);
        return part;
      }
      case 'samples_recent': {
        const part = recentPart(chunks);
        this.recent.push(part);
        this.#watcher.onRecent(part);
        return part;
      }
      case 'series_minutes': {
        const part = minutePart(chunks);
        this.minutes.push(part);
        this.#watcher.onMinutes(part);
        return part;
      }
      default:
        throw new Error(`the simulated ClickHouse has no table ${table} for blocks`);
    }
  }
}

function rowsOf<Row>(parts: readonly Part<Row>[], isShown: (closing: bigint) => boolean): Row[] {
  return parts.flatMap(({ closing, rows }) => (isShown(closing) ? rows : []));
}
