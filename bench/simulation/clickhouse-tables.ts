import { readNative } from './native-reader.ts';

/** A row of `lane_intents`. */
export interface IntentRow {
  readonly lane: string;
  readonly stream_id: number;
  readonly epoch: number;
  readonly from_seq: number;
  readonly to_seq: number;
  readonly to_stored_ms: number;
  readonly unknown_catalogues: readonly string[];
  readonly writer: string;
}

export interface FrameRow {
  readonly target: bigint;
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
  readonly samples: number;
  readonly lane: string;
  readonly stream: number;
  readonly streamSeq: number;
}

/** Watches what the tables get: the ledger of a schedule. */
export interface TableWatcher {
  /** A block was committed under a token that its table had not seen. */
  onToken(table: string, token: string): void;
  onFrames(rows: readonly FrameRow[], token: string): void;
  onSamples(rows: readonly { target: bigint; timestampMs: number }[]): void;
}

const FRAME_COLUMNS = new Set([
  'target_id',
  'incarnation',
  'seq',
  'timestamp',
  'samples',
  'lane',
  'stream_id',
  'stream_seq',
]);
const SAMPLE_COLUMNS = new Set(['target_id', 'timestamp']);
/**
 * Tokens that a table remembers, the newest: as with the real one, more than there are inserts while an attempt
 * of another may still be under way. Few, so that a longer schedule has more.
 */
export const TOKENS_MAX = 40;

/** What the simulated ClickHouse has committed; it survives every crash. */
export class ClickHouseTables {
  readonly intents: IntentRow[] = [];
  readonly frames: FrameRow[] = [];
  readonly series: Record<string, unknown>[] = [];
  readonly catalogues: Record<string, unknown>[] = [];
  readonly #tokens = new Map<string, Set<string>>();
  readonly #watcher: TableWatcher;

  constructor(watcher: TableWatcher) {
    this.#watcher = watcher;
  }

  intentsOf({ lane, stream }: { lane: string; stream: number }): IntentRow[] {
    return this.intents.filter((row) => row.lane === lane && row.stream_id === stream);
  }

  /** What ReplacingMergeTree may do at any time: of equal keys only the newest version stays. */
  mergeIntents(): void {
    const newest = new Map<string, IntentRow>();
    for (const row of this.intents) {
      const key = `${row.lane} ${row.stream_id} ${row.epoch}`;
      const other = newest.get(key);
      if (other === undefined || versionOf(row) >= versionOf(other)) newest.set(key, row);
    }
    this.intents.splice(0, Infinity, ...newest.values());
  }

  /** One INSERT: a block whose token the table has seen is dropped as a whole. */
  insertBlock(table: string, chunks: readonly Uint8Array[], token: string): void {
    const tokens = this.#tokens.get(table) ?? new Set<string>();
    this.#tokens.set(table, tokens);
    if (tokens.has(token)) return;
    tokens.add(token);
    if (tokens.size > TOKENS_MAX) tokens.delete(tokens.values().next().value!);
    this.#watcher.onToken(table, token);
    if (table === 'frames') {
      const rows = frameRows(chunks);
      this.#watcher.onFrames(rows, token);
      this.frames.push(...rows);
    } else if (table === 'samples') {
      this.#watcher.onSamples(sampleRows(chunks));
    } else {
      throw new Error(`the simulated ClickHouse has no table ${table} for blocks`);
    }
  }

  insertRows(table: string, rows: readonly object[]): void {
    const tables: Readonly<Record<string, object[]>> = {
      lane_intents: this.intents,
      series: this.series,
      catalogues: this.catalogues,
    };
    const into = tables[table];
    if (into === undefined) throw new Error(`the simulated ClickHouse has no table ${table}`);
    into.push(...rows);
  }
}

/** The column `version`, which is made from others. */
export function versionOf({ from_seq, to_seq }: IntentRow): number {
  return from_seq + to_seq;
}

function frameRows(chunks: readonly Uint8Array[]): FrameRow[] {
  const { rows, columns } = readNative(chunks, FRAME_COLUMNS);
  const value = (name: string, row: number): bigint | number | string => columns.get(name)![row]!;
  return Array.from({ length: rows }, (_, row) => ({
    target: value('target_id', row) as bigint,
    incarnation: value('incarnation', row) as bigint,
    seq: Number(value('seq', row)),
    timestampMs: Number(value('timestamp', row)),
    samples: Number(value('samples', row)),
    lane: String(value('lane', row)),
    stream: Number(value('stream_id', row)),
    streamSeq: Number(value('stream_seq', row)),
  }));
}

function sampleRows(chunks: readonly Uint8Array[]): { target: bigint; timestampMs: number }[] {
  const { rows, columns } = readNative(chunks, SAMPLE_COLUMNS);
  return Array.from({ length: rows }, (_, row) => ({
    target: columns.get('target_id')![row] as bigint,
    timestampMs: Number(columns.get('timestamp')![row]),
  }));
}
