/** A block of ClickHouse's Native format, its columns by name. */
export interface NativeRows {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, readonly (bigint | number | string)[]>;
}

/** Bytes of a value of each type that the product sends; strings have a length of their own. */
const WIDTHS: Readonly<Record<string, number>> = {
  UInt64: 8,
  UInt32: 4,
  UInt8: 1,
  Float64: 8,
  "DateTime64(3, 'UTC')": 8,
};

/**
 * Reads a block as the server would: what was sent is what counts, not what the writer meant.
 * Source: ClickHouse documentation, "Native format".
 */
export function readNative(chunks: readonly Uint8Array[], wanted: ReadonlySet<string>): NativeRows {
  const bytes = Buffer.concat(chunks);
  let at = 0;
  const varUint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at]!;
      at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const text = (): string => {
    const length = varUint();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const count = varUint();
  const rows = varUint();
  const columns = new Map<string, (bigint | number | string)[]>();
  for (let i = 0; i < count; i += 1) {
    const name = text();
    const type = text();
    const isWanted = wanted.has(name);
    if (type === 'String') {
      const values = Array.from({ length: rows }, text);
      if (isWanted) columns.set(name, values);
      continue;
    }
    const width = WIDTHS[type];
    if (width === undefined) throw new Error(`a column of type ${type} is not expected`);
    if (isWanted) columns.set(name, fixedValues(bytes, at, rows, type, width));
    at += width * rows;
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes after the block`);
  return { rows, columns };
}

function fixedValues(
  bytes: Buffer,
  start: number,
  rows: number,
  type: string,
  width: number,
): (bigint | number)[] {
  return Array.from({ length: rows }, (_, row) => {
    const at = start + row * width;
    if (type === 'Float64') return bytes.readDoubleLE(at);
    return width === 8 ? bytes.readBigUInt64LE(at) : bytes.readUIntLE(at, width);
  });
}
