import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { z } from 'zod';
import { CATALOGUE_SERIES_MAX } from '../../pipeline/wire/catalogue.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { decimalOf, factorsOf, mantissaOf, SCALE_MAX, valueOf } from './decimal.ts';
import type { Decimal } from './decimal.ts';
import { isWhole } from './recording.ts';
import type { RecordedSeries, Recording } from './recording.ts';

/**
 * A recording as a file:
 *
 *     ┌──────────┬─ compressed with Brotli ─────────────────────────────────────┐
 *     │ rollrec1 │ header's length (varint) │ header, JSON │ column │ column │ … │
 *     └──────────┴──────────────────────────────────────────────────────────────┘
 *
 * The header names the series and how each column is coded. A column of a series that was absent at times begins
 * with a bit a tick (the first tick is the lowest bit of the first byte). Then come the values that were there: the
 * mantissas of a decimal, each as its difference to the one before (signed varint), or, where no decimal
 * fits, 64-bit floats in little-endian order.
 */
const MAGIC = Buffer.from('rollrec1');
const TICKS_MAX = 1_000_000;
const UNPACKED_BYTES_MAX = 512 * 1024 * 1024;
const FLOAT_BYTES = 8;

const headerShape = z.object({
  intervalMs: z.int().positive(),
  ticks: z.int().nonnegative().max(TICKS_MAX),
  series: z
    .array(
      z.object({
        name: z.string(),
        labels: z.array(z.tuple([z.string(), z.string()])),
        kind: z.enum(['counter', 'gauge', 'untyped', 'histogram', 'summary']),
        unit: z.string(),
        help: z.string(),
        isGapped: z.boolean(),
        /** Absent: floats. */
        decimal: z
          .object({
            form: z.enum(['quotient', 'product', 'twice']),
            scale: z.int().nonnegative().max(SCALE_MAX),
          })
          .optional(),
      }),
    )
    .max(CATALOGUE_SERIES_MAX),
});
type Header = z.infer<typeof headerShape>;
type Column = Header['series'][number];

/** The file of a recording; `decodeRecording` gives back every bit of every value. */
export function encodeRecording({ intervalMs, ticks, series }: Recording): Buffer {
  const columns = series.map((each) => columnOf(each));
  const header = Buffer.from(JSON.stringify({ intervalMs, ticks, series: columns }));
  const writer = new ByteWriter();
  writer.varint(header.length);
  writer.bytes(header);
  for (const [i, each] of series.entries()) writeColumn(writer, each, columns[i]!);
  const packed = brotliCompressSync(writer.written, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
    },
  });
  return Buffer.concat([MAGIC, packed]);
}

/** @throws RollcallError `recording_invalid` */
export function decodeRecording(file: Buffer): Recording {
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) throw invalid('it is not a recording');
  try {
    const unpacked = brotliDecompressSync(file.subarray(MAGIC.length), {
      maxOutputLength: UNPACKED_BYTES_MAX,
    });
    const reader = new ByteReader(unpacked);
    const text = reader.bytes(reader.varint()).toString();
    const { intervalMs, ticks, series } = headerShape.parse(JSON.parse(text));
    const decoded = series.map((column) => readColumn(reader, column, ticks));
    if (!reader.isAtEnd) throw new RangeError('something follows the last series');
    return { intervalMs, ticks, series: decoded };
  } catch (cause) {
    throw invalid(reasonOf(cause), cause);
  }
}

function columnOf(series: RecordedSeries): Column {
  const { name, labels, kind, unit, help } = series;
  const decimal = decimalOf(presentValues(series));
  return {
    name,
    labels: labels.map(([label, value]) => [label, value]),
    kind,
    unit,
    help,
    isGapped: !isWhole(series),
    ...(decimal !== undefined && { decimal }),
  };
}

function presentValues({ values, present }: RecordedSeries): Float64Array {
  return values.filter((_, tick) => present[tick] === 1);
}

function writeColumn(writer: ByteWriter, series: RecordedSeries, column: Column): void {
  const { present } = series;
  if (column.isGapped) {
    const bits = new Uint8Array(Math.ceil(present.length / 8));
    for (const [tick, is] of present.entries()) bits[tick >> 3]! |= is << (tick & 7);
    writer.bytes(bits);
  }
  const values = presentValues(series);
  if (column.decimal === undefined) return writeFloats(writer, values);
  let before = 0;
  for (const value of values) {
    const mantissa = mantissaOf(value, column.decimal);
    writer.signed(mantissa - before);
    before = mantissa;
  }
}

function writeFloats(writer: ByteWriter, values: Float64Array): void {
  const bytes = Buffer.alloc(FLOAT_BYTES * values.length);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, FLOAT_BYTES * i);
  writer.bytes(bytes);
}

function readColumn(reader: ByteReader, column: Column, ticks: number): RecordedSeries {
  const { isGapped, decimal, ...info } = column;
  const present = new Uint8Array(ticks).fill(1);
  if (isGapped) {
    const bits = reader.bytes(Math.ceil(ticks / 8));
    for (let tick = 0; tick < ticks; tick += 1)
      present[tick] = (bits[tick >> 3]! >> (tick & 7)) & 1;
  }
  const next = decimal === undefined ? floats(reader) : decimals(reader, decimal);
  const values = new Float64Array(ticks);
  for (let tick = 0; tick < ticks; tick += 1) {
    if (present[tick] === 1) values[tick] = next();
  }
  return { ...info, values, present };
}

function floats(reader: ByteReader): () => number {
  return () => reader.bytes(FLOAT_BYTES).readDoubleLE(0);
}

function decimals(reader: ByteReader, decimal: Decimal): () => number {
  const factors = factorsOf(decimal);
  let mantissa = 0;
  return () => {
    mantissa += reader.signed();
    return valueOf(mantissa, factors);
  };
}

function invalid(reason: string, cause?: unknown): RollcallError {
  return new RollcallError('recording_invalid', `the recording cannot be used: ${reason}`, {
    cause,
  });
}
