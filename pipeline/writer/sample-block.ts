import { fixedColumn, nativeBlock } from '../store/native-block.ts';
import { PRESENCE_AT, valuesAt } from '../wire/frame.ts';
import type { SlotMetrics } from './catalogue-book.ts';
import type { StoredFrame } from './stored-frame.ts';

const TIMESTAMP = "DateTime64(3, 'UTC')";

export interface SampleBlock {
  readonly rows: number;
  readonly chunks: readonly Uint8Array[];
}

/** For each metric, in ascending order of its id, the slot it has in each catalogue, or −1. */
interface SlotPlan {
  readonly metricIds: BigUint64Array;
  /** `slots[metric * catalogues + catalogue]` */
  readonly slots: Int32Array;
  readonly catalogues: number;
}

/**
 * Turns frames (a row of values per target) into columns in the order of the table's key: metric, target,
 * time. ClickHouse then has nothing left to sort.
 *
 *     frames            metric m1          metric m2
 *     t1: m1 m2 m3      t1 t2 t3           t1 t2 t3        …
 *     t2: m1 m2 m3  ──► v  v  v            v  v  v
 *     t3: m1 m2 m3
 */
export function sampleBlock(
  frames: readonly StoredFrame[],
  catalogueOf: (hash: bigint) => SlotMetrics,
): SampleBlock {
  const sorted = frames.toSorted(byTargetAndTime);
  const catalogues = [...new Set(frames.map(({ catalogue }) => catalogue))].map(catalogueOf);
  const plan = planOf(catalogues);
  const columns = transpose(sorted, plan, catalogues);
  return {
    rows: columns.rows,
    chunks: nativeBlock(columns.rows, [
      fixedColumn('metric_id', 'UInt64', columns.metricIds.subarray(0, columns.rows)),
      fixedColumn('target_id', 'UInt64', columns.targetIds.subarray(0, 2 * columns.rows)),
      fixedColumn('timestamp', TIMESTAMP, columns.timestamps.subarray(0, 2 * columns.rows)),
      fixedColumn('value', 'Float64', columns.values.subarray(0, columns.rows)),
    ]),
  };
}

interface Columns {
  rows: number;
  readonly metricIds: BigUint64Array;
  /** 64-bit values as pairs of 32-bit halves: no BigInt per sample. */
  readonly targetIds: Uint32Array;
  readonly timestamps: Uint32Array;
  readonly values: Float64Array;
}

function transpose(
  frames: readonly StoredFrame[],
  plan: SlotPlan,
  catalogues: readonly SlotMetrics[],
): Columns {
  const indexOf = new Map(catalogues.map(({ hash }, index) => [hash, index]));
  const catalogue = Int32Array.from(frames, (frame) => indexOf.get(frame.catalogue)!);
  const slotCount = Int32Array.from(catalogues, ({ metricIds }) => metricIds.length);
  const targets = words(BigUint64Array.from(frames, ({ target }) => target));
  const times = words(BigUint64Array.from(frames, ({ timestampMs }) => BigInt(timestampMs)));
  const doubles = frames.map(({ batch }) => doublesOf(batch));
  const firstValue = Int32Array.from(
    frames,
    ({ offset }, i) => (offset + valuesAt(slotCount[catalogue[i]!]!)) / 8,
  );
  const rowsMax = catalogue.reduce((sum, index) => sum + slotCount[index]!, 0);
  const out: Columns = {
    rows: 0,
    metricIds: new BigUint64Array(rowsMax),
    targetIds: new Uint32Array(2 * rowsMax),
    timestamps: new Uint32Array(2 * rowsMax),
    values: new Float64Array(rowsMax),
  };
  for (let metric = 0; metric < plan.metricIds.length; metric += 1) {
    const first = out.rows;
    let row = first;
    for (let i = 0; i < frames.length; i += 1) {
      const slot = plan.slots[metric * plan.catalogues + catalogue[i]!]!;
      if (slot < 0) continue;
      const frame = frames[i]!;
      const presence = frame.batch[frame.offset + PRESENCE_AT + (slot >> 3)]!;
      if (((presence >> (slot & 7)) & 1) === 0) continue;
      out.targetIds[2 * row] = targets[2 * i]!;
      out.targetIds[2 * row + 1] = targets[2 * i + 1]!;
      out.timestamps[2 * row] = times[2 * i]!;
      out.timestamps[2 * row + 1] = times[2 * i + 1]!;
      out.values[row] = doubles[i]![firstValue[i]! + slot]!;
      row += 1;
    }
    out.metricIds.fill(plan.metricIds[metric]!, first, row);
    out.rows = row;
  }
  return out;
}

function planOf(catalogues: readonly SlotMetrics[]): SlotPlan {
  const all = new Set<bigint>();
  for (const { metricIds } of catalogues) for (const id of metricIds) all.add(id);
  const metricIds = BigUint64Array.from(all).toSorted();
  const indexOf = new Map<bigint, number>();
  metricIds.forEach((id, index) => indexOf.set(id, index));
  const slots = new Int32Array(metricIds.length * catalogues.length).fill(-1);
  catalogues.forEach((catalogue, c) => {
    catalogue.metricIds.forEach((id, slot) => {
      slots[indexOf.get(id)! * catalogues.length + c] = slot;
    });
  });
  return { metricIds, slots, catalogues: catalogues.length };
}

/** The record of the frames themselves, in the order of their table's key. */
export function frameBlock(
  frames: readonly StoredFrame[],
  lane: string,
  streamId: number,
  samplesOf: (frame: StoredFrame) => number,
): Uint8Array[] {
  const sorted = frames.toSorted(byTargetAndTime);
  const u64 = (read: (frame: StoredFrame) => bigint): BigUint64Array =>
    BigUint64Array.from(sorted, read);
  const laneText = Buffer.from([lane.length, ...Buffer.from(lane)]);
  return nativeBlock(sorted.length, [
    fixedColumn(
      'target_id',
      'UInt64',
      u64(({ target }) => target),
    ),
    fixedColumn(
      'incarnation',
      'UInt64',
      u64(({ incarnation }) => incarnation),
    ),
    fixedColumn(
      'seq',
      'UInt64',
      u64(({ seq }) => BigInt(seq)),
    ),
    fixedColumn(
      'timestamp',
      TIMESTAMP,
      u64(({ timestampMs }) => BigInt(timestampMs)),
    ),
    fixedColumn(
      'catalogue',
      'UInt64',
      u64(({ catalogue }) => catalogue),
    ),
    fixedColumn('samples', 'UInt32', Uint32Array.from(sorted, samplesOf)),
    fixedColumn(
      'is_backlog',
      'UInt8',
      Uint8Array.from(sorted, ({ isBacklog }) => Number(isBacklog)),
    ),
    // Every row has the same lane: one text, repeated.
    {
      name: 'lane',
      type: 'String',
      values: Buffer.alloc(laneText.length * sorted.length, laneText),
    },
    fixedColumn('stream_id', 'UInt64', new BigUint64Array(sorted.length).fill(BigInt(streamId))),
    fixedColumn(
      'stream_seq',
      'UInt64',
      u64(({ streamSeq }) => BigInt(streamSeq)),
    ),
  ]);
}

function byTargetAndTime(a: StoredFrame, b: StoredFrame): number {
  if (a.target !== b.target) return a.target < b.target ? -1 : 1;
  return a.timestampMs - b.timestampMs || a.seq - b.seq;
}

function words(values: BigUint64Array): Uint32Array {
  return new Uint32Array(values.buffer);
}

function doublesOf(batch: Buffer): Float64Array {
  return new Float64Array(batch.buffer, batch.byteOffset, batch.length >> 3);
}
