const FIRST_BYTES = 1 << 20;
/** What is kept though hardly anything of it is used. */
const KEPT_BYTES = 16 << 20;

/**
 * Memory for the arrays of one block, used again for the next one. Arrays that are made and thrown away ten times a second make V8
 * look for garbage in all of its heap more than once a second.
 */
export class Scratch {
  #memory = new ArrayBuffer(FIRST_BYTES);
  #used = 0;
  #wanted = 0;

  /** All arrays that were handed out are invalid from now on. */
  reset(): void {
    const isTooSmall = this.#wanted > this.#memory.byteLength;
    const isTooLarge =
      this.#memory.byteLength > KEPT_BYTES && 8 * this.#wanted < this.#memory.byteLength;
    if (isTooSmall || isTooLarge) {
      this.#memory = new ArrayBuffer(
        Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(this.#wanted))),
      );
    }
    this.#used = 0;
    this.#wanted = 0;
  }

  /** These arrays hold whatever was there before. */
  u64(length: number): BigUint64Array {
    const [memory, offset] = this.#take(8 * length);
    return new BigUint64Array(memory, offset, length);
  }

  f64(length: number): Float64Array {
    const [memory, offset] = this.#take(8 * length);
    return new Float64Array(memory, offset, length);
  }

  u32(length: number): Uint32Array {
    const [memory, offset] = this.#take(4 * length);
    return new Uint32Array(memory, offset, length);
  }

  i32(length: number): Int32Array {
    const [memory, offset] = this.#take(4 * length);
    return new Int32Array(memory, offset, length);
  }

  u16(length: number): Uint16Array {
    const [memory, offset] = this.#take(2 * length);
    return new Uint16Array(memory, offset, length);
  }

  i8(length: number): Int8Array {
    const [memory, offset] = this.#take(length);
    return new Int8Array(memory, offset, length);
  }

  #take(bytes: number): [memory: ArrayBuffer, offset: number] {
    const padded = (bytes + 7) & ~7;
    this.#wanted += padded;
    const offset = this.#used;
    // The next block finds room; this one takes what it needs elsewhere.
    if (offset + padded > this.#memory.byteLength) return [new ArrayBuffer(padded), 0];
    this.#used += padded;
    return [this.#memory, offset];
  }
}
