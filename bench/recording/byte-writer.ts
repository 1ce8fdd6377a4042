/** Bytes that are written one after the other into memory that grows. */
export class ByteWriter {
  #bytes = Buffer.alloc(64 * 1024);
  #length = 0;

  /** What has been written; a view. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  bytes(source: Uint8Array): void {
    this.#reserve(source.length);
    this.#bytes.set(source, this.#length);
    this.#length += source.length;
  }

  /** A whole number, at least 0 and below 2^53: 7 bits a byte, low ones first, the top bit says "more". */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length] = (rest % 0x80) | 0x80;
      this.#length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  /** A whole number between -2^52 and 2^52: 0, -1, 1, -2, 2 … are 0, 1, 2, 3, 4 … */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = Buffer.alloc(Math.max(2 * this.#bytes.length, this.#length + bytes));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
