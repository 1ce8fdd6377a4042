const SLAB_BYTES = 4 << 20;

/** A piece of memory with messages one behind the other. */
interface Slab {
  readonly memory: SharedArrayBuffer;
  used: number;
  /** The newest message in it. */
  lastSeq: number;
}

/**
 * Copies messages one behind the other into large pieces of memory, each at a multiple of 8. The memory is shared only in name: V8
 * does not count such memory, and would else look for garbage in all of its heap once a second. For the same reason it would
 * free it late, so a piece that nobody needs any more is used again.
 */
export class MessageSlab {
  #current: Slab = { memory: new SharedArrayBuffer(0), used: 0, lastSeq: 0 };
  /** Those that are full, in the order of their messages. */
  readonly #full: Slab[] = [];
  readonly #free: SharedArrayBuffer[] = [];
  /** The most pieces that were in use at a time since the last release. */
  #peak = 0;

  /** Bytes of the pieces that are in use, and of those kept for use. */
  get bytes(): { inUse: number; free: number } {
    const full = this.#full.reduce((sum, { memory }) => sum + memory.byteLength, 0);
    const inUse = full + this.#current.memory.byteLength;
    return { inUse, free: SLAB_BYTES * this.#free.length };
  }

  /** @param seq of the message, above that of the one before */
  copy(bytes: Uint8Array, seq: number): Buffer {
    if (this.#current.used + bytes.length > this.#current.memory.byteLength) {
      if (this.#current.used > 0) this.#full.push(this.#current);
      this.#current = { memory: this.#memoryFor(bytes.length), used: 0, lastSeq: seq };
      this.#peak = Math.max(this.#peak, this.#full.length + 1);
    }
    const { memory, used } = this.#current;
    const copy = Buffer.from(memory, used, bytes.length);
    copy.set(bytes);
    this.#current.used += (bytes.length + 7) & ~7;
    this.#current.lastSeq = seq;
    return copy;
  }

  /** Nobody looks at messages below `seq` any more: what lies where they were may be written over. */
  release(seq: number): void {
    const kept = this.#full.findIndex(({ lastSeq }) => lastSeq >= seq);
    const gone = this.#full.splice(0, kept < 0 ? this.#full.length : kept);
    for (const { memory } of gone) {
      const total = this.#full.length + 1 + this.#free.length;
      if (memory.byteLength === SLAB_BYTES && total < this.#peak) this.#free.push(memory);
    }
    this.#free.length = Math.min(this.#free.length, this.#peak);
    this.#peak = this.#full.length + 1;
  }

  #memoryFor(bytes: number): SharedArrayBuffer {
    if (bytes > SLAB_BYTES) return new SharedArrayBuffer(bytes);
    return this.#free.pop() ?? new SharedArrayBuffer(SLAB_BYTES);
  }
}
