import { createHash } from 'node:crypto';
import { pack, unpack } from './msgpack.ts';
import { RollcallError } from '../error.ts';

/**
 * What a series measures over time; the types of the Prometheus exposition format. A histogram or a
 * summary is several series (`_bucket`, `_sum`, `_count`, quantiles), each of which has that kind.
 */
export type SeriesKind = 'counter' | 'gauge' | 'untyped' | 'histogram' | 'summary';

/** A label as `[name, value]`. */
export type Label = readonly [name: string, value: string];

/** One slot of a catalogue: everything about a series except its values. */
export interface SeriesInfo {
  /** Prometheus metric name, `[a-zA-Z_:][a-zA-Z0-9_:]*`. */
  readonly name: string;
  /** The series' own labels, sorted by name, without those of its target. */
  readonly labels: readonly Label[];
  readonly kind: SeriesKind;
  /** Base unit such as `seconds` or `bytes`, or the empty string. */
  readonly unit: string;
  /** One line for people. */
  readonly help: string;
}

/** For each slot of a frame, what the slot measures. */
export interface Catalogue {
  /** First 64 bits of the SHA-256 of `payload`, little-endian. */
  readonly hash: bigint;
  readonly series: readonly SeriesInfo[];
  /** The bytes that travel: msgpack `[[name, [k, v, k, v…], kind, unit, help], …]`. */
  readonly payload: Uint8Array;
}

export const CATALOGUE_SERIES_MAX = 20_000;
export const CATALOGUE_BYTES_MAX = 4 * 1024 * 1024;
export const METRIC_NAME_BYTES_MAX = 256;
export const LABELS_PER_SERIES_MAX = 32;
export const LABEL_NAME_BYTES_MAX = 128;
export const LABEL_VALUE_BYTES_MAX = 1024;
const TEXT_BYTES_MAX = 1024;

const KINDS: readonly SeriesKind[] = ['untyped', 'counter', 'gauge', 'histogram', 'summary'];
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The 64-bit content hash that names a catalogue everywhere. */
export function catalogueHash(payload: Uint8Array): bigint {
  return createHash('sha256').update(payload).digest().readBigUInt64LE(0);
}

/** Packs series in slot order. Throws `catalogue_invalid` when a limit or a name is broken. */
export function encodeCatalogue(series: readonly SeriesInfo[]): Catalogue {
  const rows = series.map(({ name, labels, kind, unit, help }) => [
    name,
    labels.flat(),
    KINDS.indexOf(kind),
    unit,
    help,
  ]);
  const payload = Uint8Array.from(pack(rows));
  return decodeCatalogue(payload);
}

/**
 * Unpacks and checks a catalogue that came from elsewhere: every name, label and length is
 * verified, and the hash is computed here, never taken from the sender.
 *
 * @throws RollcallError `catalogue_invalid`, naming the slot and the reason.
 */
export function decodeCatalogue(payload: Uint8Array): Catalogue {
  if (payload.length > CATALOGUE_BYTES_MAX) {
    throw invalid(`${payload.length} bytes, more than ${CATALOGUE_BYTES_MAX}`);
  }
  let rows: unknown;
  try {
    rows = unpack(payload);
  } catch (cause) {
    throw invalid('not msgpack', cause);
  }
  if (!Array.isArray(rows)) throw invalid('not an array of series');
  if (rows.length > CATALOGUE_SERIES_MAX) {
    throw invalid(`${rows.length} series, more than ${CATALOGUE_SERIES_MAX}`);
  }
  const seen = new Set<string>();
  const series = rows.map((row, slot) => {
    const info = seriesFromRow(row, slot);
    const key = seriesKey(info.name, info.labels);
    if (seen.has(key)) throw invalid(`slot ${slot} repeats ${key}`);
    seen.add(key);
    return info;
  });
  return { hash: catalogueHash(payload), series, payload };
}

/**
 * The canonical text of a series' identity: `name{a="1",b="2"}` with labels sorted by name and
 * values escaped as in the Prometheus text format. Equal text means equal series.
 */
export function seriesKey(name: string, labels: readonly Label[]): string {
  if (labels.length === 0) return name;
  const pairs = labels.map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return `${name}{${pairs.join(',')}}`;
}

/** The 64-bit identity of a series (without its target), stored as `metric_id`. */
export function metricId(name: string, labels: readonly Label[]): bigint {
  return createHash('sha256').update(seriesKey(name, labels)).digest().readBigUInt64LE(0);
}

function seriesFromRow(row: unknown, slot: number): SeriesInfo {
  if (!Array.isArray(row) || row.length < 5) throw invalid(`slot ${slot} is not a series`);
  const [name, flat, kindIndex, unit, help] = row as unknown[];
  if (!isText(name, METRIC_NAME_BYTES_MAX) || !METRIC_NAME.test(name)) {
    throw invalid(`slot ${slot} has no valid metric name`);
  }
  const kind = typeof kindIndex === 'number' ? KINDS[kindIndex] : undefined;
  if (kind === undefined) throw invalid(`slot ${slot} (${name}) has no known kind`);
  if (!isText(unit, TEXT_BYTES_MAX) || !isText(help, TEXT_BYTES_MAX)) {
    throw invalid(`slot ${slot} (${name}) has a bad unit or help text`);
  }
  return { name, labels: labelsFromFlat(flat, `slot ${slot} (${name})`), kind, unit, help };
}

function labelsFromFlat(flat: unknown, where: string): Label[] {
  if (!Array.isArray(flat) || flat.length % 2 !== 0) throw invalid(`${where} has no label pairs`);
  if (flat.length > 2 * LABELS_PER_SERIES_MAX) {
    throw invalid(`${where} has more than ${LABELS_PER_SERIES_MAX} labels`);
  }
  const labels: Label[] = [];
  let previous = '';
  for (let i = 0; i < flat.length; i += 2) {
    const name: unknown = flat[i];
    const value: unknown = flat[i + 1];
    if (!isText(name, LABEL_NAME_BYTES_MAX) || !LABEL_NAME.test(name)) {
      throw invalid(`${where} has a bad label name`);
    }
    if (!isText(value, LABEL_VALUE_BYTES_MAX)) {
      throw invalid(`${where} has a bad value of label ${name}`);
    }
    if (name <= previous) throw invalid(`${where} has labels out of order at ${name}`);
    previous = name;
    labels.push([name, value]);
  }
  return labels;
}

function isText(value: unknown, bytesMax: number): value is string {
  return typeof value === 'string' && Buffer.byteLength(value) <= bytesMax;
}

function invalid(reason: string, cause?: unknown): RollcallError {
  return new RollcallError('catalogue_invalid', `catalogue refused: ${reason}`, { cause });
}
