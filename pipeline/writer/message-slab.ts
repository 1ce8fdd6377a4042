const SLAB_BYTES = 4 << 20;

/**
 * Copies messages one behind the other into large pieces of memory, each at a multiple of 8. A piece is freed with the
 * last of its messages. The memory is shared only in name: V8 does not count such memory, and would else look for garbage in
 * all of its heap once a second.
 */
export class MessageSlab {
  #memory = new SharedArrayBuffer(0);
  #used = 0;

  copy(bytes: Uint8Array): Buffer {
    if (this.#used + bytes.length > this.#memory.byteLength) {
      this.#memory = new SharedArrayBuffer(Math.max(SLAB_BYTES, bytes.length));
      this.#used = 0;
    }
    const copy = Buffer.from(this.#memory, this.#used, bytes.length);
    copy.set(bytes);
    this.#used += (bytes.length + 7) & ~7;
    return copy;
  }
}
