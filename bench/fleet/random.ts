/** Numbers that follow from a seed: the same run can be had again. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    // Seeds that are neighbours must not begin alike.
    this.#state = mixed(seed) || 1;
  }

  /** 32 random bits, xorshift (Marsaglia, "Xorshift RNGs", 2003). */
  bits(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** At least 0 and below 1. */
  next(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** At least `min` and below `max`. */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** A whole number, at least 0 and below `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }
}

/** The finaliser of MurmurHash3 for 32 bits. */
export function mixed(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
