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
  readonly values: Uint8Array;
}

/** The chunks of a block; the columns' bytes are not copied. */
export function nativeBlock(rows: number, columns: readonly NativeColumn[]): Uint8Array[] {
  const chunks: Uint8Array[] = [concat(varUint(columns.length), varUint(rows))];
  for (const { name, type, values } of columns) {
    chunks.push(concat(text(name), text(type)), values);
  }
  return chunks;
}

/** A column of a fixed-width type from a typed array of the same width (little-endian machine). */
export function fixedColumn(name: string, type: string, values: ArrayBufferView): NativeColumn {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, type, values: bytes };
}

/** A column of type String. */
export function stringColumn(name: string, values: readonly string[]): NativeColumn {
  return { name, type: 'String', values: concat(...values.map((value) => text(value))) };
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
