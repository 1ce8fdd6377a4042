import type { Bus } from '../../bus/bus.ts';
import type { Lane } from '../../bus/topology.ts';
import type { Store } from '../../store/store.ts';
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../../wire/batch.ts';
import { encodeCatalogueMessage } from '../../wire/catalogue-message.ts';
import { encodeCatalogue, metricId } from '../../wire/catalogue.ts';
import type { Catalogue, Label } from '../../wire/catalogue.ts';
import * as frame from '../../wire/frame.ts';
import { highOf, lowOf } from '../../wire/id-map.ts';
import { targetId } from '../../wire/shard.ts';

/** What the tests send along a lane, and what must then be in the database. */
export interface SentFrame {
  readonly instance: string;
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
  readonly catalogue: Catalogue;
  /** A value for each slot; undefined is absent. */
  readonly values: readonly (number | undefined)[];
  readonly isBacklog?: boolean;
}

export function catalogueOf(...series: readonly (readonly [string, ...Label[]])[]): Catalogue {
  return encodeCatalogue(
    series.map(([name, ...labels]) => ({ name, labels, kind: 'gauge', unit: '', help: name })),
  );
}

/** Instances whose targets fall onto lane `index` of `lanes`. */
export function instancesOf(count: number, index = 0, lanes = 2): string[] {
  const found: string[] = [];
  for (let i = 0; found.length < count; i += 1) {
    if (Number(targetId(`host-${i}`) & 255n) % lanes === index) found.push(`host-${i}`);
  }
  return found;
}

/** The SAMPLES message, stamped with its target. */
export function frameMessage(sent: SentFrame): Buffer {
  const slots = sent.values.length;
  const presence = new Uint8Array(frame.presenceBytes(slots));
  sent.values.forEach((value, slot) => {
    if (value !== undefined) presence[slot >> 3]! |= 1 << (slot & 7);
  });
  const bytes = Buffer.alloc(frame.frameBytes(slots));
  const { incarnation, seq, timestampMs, catalogue } = sent;
  const head = { incarnation, seq, timestampMs, catalogue: catalogue.hash, slots };
  const values = Float64Array.from(sent.values, (value) => value ?? 0);
  frame.writeFrame(bytes, 0, head, presence, values);
  const id = targetId(sent.instance);
  frame.stampTarget(bytes, 0, lowOf(id), highOf(id));
  if (sent.isBacklog === true) frame.flagBacklog(bytes, 0);
  return bytes;
}

export function batchOf(items: readonly (SentFrame | Catalogue)[]): Buffer {
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  writeBatchHeader(header, items.length, 77n, Date.now());
  const messages = items.map((item) =>
    'payload' in item ? encodeCatalogueMessage(item) : frameMessage(item),
  );
  return Buffer.concat([header, ...messages]);
}

export function publishBatch(
  bus: Bus,
  lane: Lane,
  items: readonly (SentFrame | Catalogue)[],
): Promise<number> {
  return bus.publish(lane.subject, batchOf(items));
}

const doubles = new Float64Array(1);
const bits = new BigUint64Array(doubles.buffer);

/** A line for every sample of the frames, each frame once: metric, target, time and bits. */
export function samplesOf(frames: readonly SentFrame[]): string[] {
  const once = new Map(frames.map((sent) => [frameKey(sent), sent]));
  return [...once.values()].flatMap(linesOf).toSorted();
}

function linesOf({ instance, timestampMs, catalogue, values }: SentFrame): string[] {
  const lines: string[] = [];
  values.forEach((value, slot) => {
    if (value === undefined) return;
    const { name, labels } = catalogue.series[slot]!;
    doubles[0] = value;
    lines.push(`${metricId(name, labels)} ${targetId(instance)} ${timestampMs} ${bits[0]}`);
  });
  return lines;
}

function frameKey({ instance, incarnation, seq }: SentFrame): string {
  return `${targetId(instance)} ${incarnation} ${seq}`;
}

/** A line for every frame, once: target, incarnation, seq, time, number of samples, backlog. */
export function framesOf(frames: readonly SentFrame[]): string[] {
  const once = new Map(frames.map((sent) => [frameKey(sent), sent]));
  return Array.from(once, ([key, { timestampMs, values, isBacklog }]) => {
    const samples = values.filter((value) => value !== undefined).length;
    return `${key} ${timestampMs} ${samples} ${Number(isBacklog ?? false)}`;
  }).toSorted();
}

/** The database's samples, in the form of `samplesOf`. */
export async function storedSamples(store: Store): Promise<string[]> {
  const rows = await store.rows<{ line: string }>(
    `SELECT concat(metric_id, ' ', target_id, ' ', toUnixTimestamp64Milli(time), ' ',
                   reinterpretAsUInt64(value)) AS line
     FROM samples_between(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00')`,
  );
  return rows.map(({ line }) => line).toSorted();
}

/** The database's frames, in the form of `framesOf`; of the targets of `sent` only, if that is given. */
export async function storedFrames(store: Store, sent?: readonly SentFrame[]): Promise<string[]> {
  const rows = await store.rows<{ line: string }>(
    `SELECT concat(target_id, ' ', incarnation, ' ', seq, ' ', toUnixTimestamp64Milli(timestamp),
                   ' ', samples, ' ', is_backlog) AS line FROM stored_frames`,
  );
  const targets = sent && new Set(sent.map(({ instance }) => targetId(instance).toString()));
  const lines = rows.map(({ line }) => line).toSorted();
  return lines.filter((line) => targets?.has(line.split(' ')[0]!) !== false);
}

export async function countRows(store: Store, table: string): Promise<number> {
  const [row] = await store.rows<{ n: string }>(`SELECT count() AS n FROM ${table}`);
  return Number(row!.n);
}
