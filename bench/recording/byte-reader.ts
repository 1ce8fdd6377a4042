/** Reads what a `ByteWriter` has written. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next `length` bytes, a view. @throws RangeError when there are fewer */
  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new RangeError('the recording ends too soon');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** @throws RangeError when it ends too soon or is 2^53 or more */
  varint(): number {
    let value = 0;
    for (let unit = 1; unit < 2 ** 53; unit *= 0x80) {
      const byte = this.bytes(1)[0]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80 && value < 2 ** 53) return value;
    }
    throw new RangeError('a number of the recording is too large');
  }

  /** @throws RangeError as `varint` does */
  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
