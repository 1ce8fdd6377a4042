import { readNative } from './native-reader.ts';
import type { NativeRows, NativeValue } from './native-reader.ts';
import { Violation } from './violation.ts';

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

export interface SampleRow {
  readonly metric: bigint;
  readonly target: bigint;
  readonly timestampMs: number;
  readonly value: number;
}

/** What one insert adds to a table: a part of one partition, all of it of one closing. */
export interface Part<Row> {
  readonly closing: bigint;
  /** Its id, as ClickHouse names it. */
  readonly partition: string;
  readonly rows: readonly Row[];
}

type Cell = (name: string) => NativeValue;

const DAY_MS = 86_400_000;

export function framePart(
  chunks: readonly Uint8Array[],
  table: 'frames_recent' | 'frames',
): Part<FrameRow> {
  const block = readNative(chunks);
  const rows = rowsOf(block, (cell) => ({
    target: cell('target_id') as bigint,
    incarnation: cell('incarnation') as bigint,
    seq: Number(cell('seq')),
    timestampMs: Number(cell('timestamp')),
    samples: Number(cell('samples')),
    lane: cell('lane') as string,
    stream: Number(cell('stream_id')),
    streamSeq: Number(cell('stream_seq')),
  }));
  const closing = closingOf(block);
  const day = dayOf(rows);
  return { closing, partition: table === 'frames' ? day : `${closing}-${day}`, rows };
}

/** Its rows are those of the table with their arrays joined, as below. */
export function recentPart(chunks: readonly Uint8Array[]): Part<SampleRow> {
  const block = readNative(chunks);
  const rows = rowsOf(block, (cell) => {
    const metric = cell('metric_id') as bigint;
    const targets = cell('target_ids') as readonly bigint[];
    const oldestMs = Number(cell('oldest'));
    const offsetsMs = cell('offsets_ms') as readonly number[];
    return (cell('values') as readonly number[]).map((value, i) => {
      return { metric, target: targets[i]!, timestampMs: oldestMs + offsetsMs[i]!, value };
    });
  }).flat();
  const closing = closingOf(block);
  return { closing, partition: `${closing}-${dayOf(rows)}`, rows };
}

/** Its rows are those of the table with their arrays joined. */
export function minutePart(chunks: readonly Uint8Array[]): Part<SampleRow> {
  const block = readNative(chunks);
  const rows = rowsOf(block, (cell) => {
    const metric = cell('metric_id') as bigint;
    const target = cell('target_id') as bigint;
    const minuteMs = Number(cell('minute')) * 1000;
    const offsetsMs = cell('offsets_ms') as readonly number[];
    return valuesOf(cell).map((value, i) => {
      return { metric, target, timestampMs: minuteMs + offsetsMs[i]!, value };
    });
  }).flat();
  return { closing: closingOf(block), partition: dayOf(rows), rows };
}

/** The column `values` of `series_minutes`, which is made from others. */
function valuesOf(cell: Cell): readonly number[] {
  const scale = cell('scale') as number;
  if (scale < 0) return cell('others') as readonly number[];
  let whole = cell('first') as bigint;
  const steps = cell('steps') as readonly bigint[];
  const wholes = [whole, ...steps.map((step) => (whole += step))];
  return wholes.map((one) => Number(one) / 10 ** scale);
}

function rowsOf<Row>({ rows, columns }: NativeRows, rowOf: (cell: Cell) => Row): Row[] {
  return Array.from({ length: rows }, (_, row) => rowOf((name) => columns.get(name)![row]!));
}

function closingOf({ columns }: NativeRows): bigint {
  const closings = new Set(columns.get('closing'));
  if (closings.size !== 1) {
    throw new Violation('several_closings', `a block has rows of ${closings.size} closings`);
  }
  return [...closings][0] as bigint;
}

/** The day that all rows are of: a block of several would be several parts, and not inserted as a whole. */
function dayOf(rows: readonly { timestampMs: number }[]): string {
  const days = new Set(rows.map(({ timestampMs }) => Math.floor(timestampMs / DAY_MS)));
  if (days.size !== 1) {
    throw new Violation('several_partitions', `a block has rows of ${days.size} days`);
  }
  return dayText([...days][0]! * DAY_MS);
}

/** As in the ids of partitions, such as `20260101`. */
export function dayText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10).replaceAll('-', '');
}
