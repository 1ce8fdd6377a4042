/**
 * A batch of a lane, and the same memory as numbers: what frames say is read in place. (A little-endian machine, as the wire is.)
 */
export class FrameBatch {
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly longs: BigUint64Array;
  readonly doubles: Float64Array;

  /** @param bytes 8-byte aligned */
  constructor(bytes: Buffer) {
    const { buffer, byteOffset, length } = bytes;
    this.bytes = bytes;
    this.words = new Uint32Array(buffer, byteOffset, length >> 2);
    this.longs = new BigUint64Array(buffer, byteOffset, length >> 3);
    this.doubles = new Float64Array(buffer, byteOffset, length >> 3);
  }
}
