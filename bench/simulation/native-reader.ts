type Scalar = bigint | number | string;
export type NativeValue = Scalar | readonly Scalar[];

/** A block of ClickHouse's Native format, its columns by name. */
export interface NativeRows {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, readonly NativeValue[]>;
}

type ReadScalar = (bytes: Buffer, at: number) => bigint | number;

/** Of each type that the product sends the bytes of a value and how it is read; strings have a length of their own. */
const FIXED: Readonly<Record<string, readonly [width: number, read: ReadScalar]>> = {
  UInt64: [8, (bytes, at) => bytes.readBigUInt64LE(at)],
  UInt32: [4, (bytes, at) => bytes.readUInt32LE(at)],
  UInt16: [2, (bytes, at) => bytes.readUInt16LE(at)],
  UInt8: [1, (bytes, at) => bytes.readUInt8(at)],
  Int64: [8, (bytes, at) => bytes.readBigInt64LE(at)],
  Int8: [1, (bytes, at) => bytes.readInt8(at)],
  Float64: [8, (bytes, at) => bytes.readDoubleLE(at)],
  "DateTime64(3, 'UTC')": [8, (bytes, at) => bytes.readBigUInt64LE(at)],
  "DateTime('UTC')": [4, (bytes, at) => bytes.readUInt32LE(at)],
};
const ARRAY = /^Array\((.*)\)$/;

/**
 * Reads a block as the server would: what was sent is what counts, not what the writer meant.
 * Source: ClickHouse documentation, "Native format".
 */
export function readNative(chunks: readonly Uint8Array[]): NativeRows {
  const reader = new NativeReader(Buffer.concat(chunks));
  const count = reader.varUint();
  const rows = reader.varUint();
  const columns = new Map<string, NativeValue[]>();
  for (let i = 0; i < count; i += 1) {
    const name = reader.text();
    const type = reader.text();
    columns.set(name, reader.values(type, rows));
  }
  if (reader.left !== 0) throw new Error(`${reader.left} bytes after the block`);
  return { rows, columns };
}

class NativeReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  varUint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at]!;
      this.#at += 1;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    const length = this.varUint();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  values(type: string, rows: number): NativeValue[] {
    const element = ARRAY.exec(type)?.[1];
    if (element === undefined) return this.#scalars(type, rows);
    // First where each array ends, then the values of all.
    const ends = this.#scalars('UInt64', rows).map(Number);
    const all = this.#scalars(element, ends.at(-1) ?? 0);
    return ends.map((end, row) => all.slice(ends[row - 1] ?? 0, end));
  }

  #scalars(type: string, count: number): Scalar[] {
    if (type === 'String') return Array.from({ length: count }, () => this.text());
    const fixed = FIXED[type];
    if (fixed === undefined) throw new Error(`a column of type ${type} is not expected`);
    const [width, read] = fixed;
    const start = this.#at;
    this.#at += width * count;
    return Array.from({ length: count }, (_, i) => read(this.#bytes, start + i * width));
  }
}
