/**
 * The frames that somebody may still want, in one block of memory. Frames have consecutive sequence
 * numbers and lie one after the other; what does not fit before the end goes to the start.
 *
 *     ┌─────────────┬───────────────────────────────┬───────────┐
 *     │ 8 │ 9       │ free                          │ 6 │ 7     │
 *     └─────────────┴───────────────────────────────┴───────────┘
 *                   ▲ next write                    ▲ oldest
 *
 * When there is no room the oldest are dropped; the caller learns of each before it is gone.
 */
export class Ring {
  readonly #arena: Buffer;
  #offsets: number[] = [];
  #lengths: number[] = [];
  #takenMs: number[] = [];
  #firstSeq = 1;
  #writeAt = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#arena = Buffer.alloc(bytesMax);
  }

  /** The oldest frame's number; equal to `nextSeq` when the ring is empty. */
  get firstSeq(): number {
    return this.#firstSeq;
  }

  /** The number the next frame gets. */
  get nextSeq(): number {
    return this.#firstSeq + this.#offsets.length;
  }

  get frames(): number {
    return this.#offsets.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get bytesMax(): number {
    return this.#arena.length;
  }

  /**
   * Adds a frame of `length` bytes, written by `write` into the arena at the offset it is given.
   *
   * @param takenMs when it was taken, by the monotonic clock
   * @returns the frame's number, or undefined if it is larger than the whole ring
   */
  append(
    length: number,
    takenMs: number,
    write: (arena: Buffer, offset: number, seq: number) => void,
    onDrop: (seq: number) => void,
  ): number | undefined {
    if (length > this.#arena.length) return undefined;
    const offset = this.#makeRoom(length, onDrop);
    const seq = this.nextSeq;
    write(this.#arena, offset, seq);
    this.#offsets.push(offset);
    this.#lengths.push(length);
    this.#takenMs.push(takenMs);
    this.#writeAt = offset + length;
    this.#bytes += length;
    return seq;
  }

  /** A copy of a frame: the arena may be overwritten while a socket still holds the bytes. */
  copy(seq: number): Buffer | undefined {
    const index = seq - this.#firstSeq;
    const offset = this.#offsets[index];
    if (offset === undefined) return undefined;
    const length = this.#lengths[index]!;
    const copy = Buffer.allocUnsafe(length);
    this.#arena.copy(copy, 0, offset, offset + length);
    return copy;
  }

  /** When a frame was taken, by the monotonic clock; undefined if it is gone. */
  takenMs(seq: number): number | undefined {
    return this.#takenMs[seq - this.#firstSeq];
  }

  /** Forgets every frame below `seq`. */
  releaseBelow(seq: number): void {
    const count = Math.min(Math.max(0, seq - this.#firstSeq), this.#offsets.length);
    if (count === 0) return;
    for (let i = 0; i < count; i += 1) this.#bytes -= this.#lengths[i]!;
    this.#firstSeq += count;
    // Mostly it is the only one, acknowledged before the next.
    if (count === this.#offsets.length) {
      this.#offsets.length = 0;
      this.#lengths.length = 0;
      this.#takenMs.length = 0;
      return;
    }
    this.#offsets = this.#offsets.slice(count);
    this.#lengths = this.#lengths.slice(count);
    this.#takenMs = this.#takenMs.slice(count);
  }

  /** Drops the oldest frames until `length` bytes lie free in one piece; returns where. */
  #makeRoom(length: number, onDrop: (seq: number) => void): number {
    for (;;) {
      if (this.#offsets.length === 0) return 0;
      const oldest = this.#offsets[0]!;
      const write = this.#writeAt;
      if (write > oldest) {
        if (write + length <= this.#arena.length) return write;
        if (length <= oldest) return 0;
      } else if (write + length <= oldest) {
        return write;
      }
      onDrop(this.#firstSeq);
      this.releaseBelow(this.#firstSeq + 1);
    }
  }
}
