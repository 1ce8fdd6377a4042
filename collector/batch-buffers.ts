const BYTES_MIN = 16 * 1024;
const FREE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Memory for batches, used again and again: a thread that allocated each batch anew would have V8 mark its whole
 * heap every second for the sake of them. Sizes are powers of two up to the largest batch; what is larger than that
 * is allocated for the one time.
 */
export class BatchBuffers {
  readonly #batchBytesMax: number;
  readonly #free = new Map<number, Buffer[]>();
  #freeBytes = 0;

  constructor(batchBytesMax: number) {
    this.#batchBytesMax = batchBytesMax;
  }

  /** Bytes kept for later, at most 4 MiB. */
  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** At least `bytes` long; what is in it is old. */
  take(bytes: number): Buffer {
    const size = this.#sizeFor(bytes);
    const found = this.#free.get(size)?.pop();
    if (found === undefined) return Buffer.allocUnsafeSlow(size);
    this.#freeBytes -= size;
    return found;
  }

  /** Nobody will look at the buffer again. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    if (size > this.#batchBytesMax || this.#freeBytes + size > FREE_BYTES_MAX) return;
    const same = this.#free.get(size);
    if (same === undefined) this.#free.set(size, [buffer]);
    else same.push(buffer);
    this.#freeBytes += size;
  }

  #sizeFor(bytes: number): number {
    if (bytes >= this.#batchBytesMax) return bytes;
    const power = 2 ** Math.ceil(Math.log2(Math.max(bytes, BYTES_MIN)));
    return Math.min(power, this.#batchBytesMax);
  }
}
