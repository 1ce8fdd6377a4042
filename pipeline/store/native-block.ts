/**
 * One block of ClickHouse's Native format (protocol revision 0, as over HTTP): the number of columns and
 * rows, then each column with its name, its type and its values.
 *
 *     ┌───────┬────┬───────────────┬───────────────┬────────┬── …
 *     │columns│rows│ name (string) │ type (string) │ values │ next column
 *     │varuint│ ″  │ varuint+bytes │ varuint+bytes │        │
 *     └───────┴────┴───────────────┴───────────────┴────────┴── …
 *
 * Source: ClickHouse documentation, "Native format"; bytes compared with a server's in the tests.
 */
export interface NativeColumn {
  readonly name: string;
  readonly type: string;
  /** The values as the type lays them out: fixed-width types are typed arrays as they are. */
  readonly values: readonly Uint8Array[];
}

/** The chunks of a block; the columns' bytes are not copied. */
export function nativeBlock(rows: number, columns: readonly NativeColumn[]): Uint8Array[] {
  const chunks: Uint8Array[] = [concat(varUint(columns.length), varUint(rows))];
  for (const { name, type, values } of columns) {
    chunks.push(concat(text(name), text(type)), ...values);
  }
  return chunks;
}

/** A column of a fixed-width type from a typed array of the same width (little-endian machine). */
export function fixedColumn(name: string, type: string, values: ArrayBufferView): NativeColumn {
  return { name, type, values: [bytesOf(values)] };
}

/**
 * A column of arrays of a fixed-width type.
 *
 * @param ends how many values there are in the array of this row and of all rows before it
 */
export function arrayColumn(
  name: string,
  type: string,
  ends: BigUint64Array,
  values: ArrayBufferView,
): NativeColumn {
  return { name, type: `Array(${type})`, values: [bytesOf(ends), bytesOf(values)] };
}

/** A column of type String. */
export function stringColumn(name: string, values: readonly string[]): NativeColumn {
  return { name, type: 'String', values: [concat(...values.map((value) => text(value)))] };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value, 'utf8');
  return concat(varUint(bytes.length), bytes);
}

/** LEB128. */
function varUint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
