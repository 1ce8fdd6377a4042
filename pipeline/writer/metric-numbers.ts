/**
 * Small numbers for 64-bit metric ids, given in the order in which they are first asked for: what is counted and
 * looked up for each sample is then an index into an array. They are good within one process only.
 */
export class MetricNumbers {
  readonly #numbers = new Map<bigint, number>();
  readonly #ids: bigint[] = [];
  #ascending = new Int32Array(0);

  get count(): number {
    return this.#ids.length;
  }

  numberOf(id: bigint): number {
    const known = this.#numbers.get(id);
    if (known !== undefined) return known;
    const number = this.#ids.length;
    this.#numbers.set(id, number);
    this.#ids.push(id);
    return number;
  }

  idOf(number: number): bigint {
    return this.#ids[number]!;
  }

  /** All numbers that were given so far, by ascending id. New ones are merged in. */
  get ascending(): Int32Array {
    const ids = this.#ids;
    const known = this.#ascending;
    if (known.length === ids.length) return known;
    const fresh = Int32Array.from(
      { length: ids.length - known.length },
      (_, i) => known.length + i,
    );
    fresh.sort((a, b) => (ids[a]! < ids[b]! ? -1 : 1));
    const merged = new Int32Array(ids.length);
    let [ofKnown, ofFresh] = [0, 0];
    while (ofKnown < known.length && ofFresh < fresh.length) {
      const [a, b] = [known[ofKnown]!, fresh[ofFresh]!];
      const isKnownNext = ids[a]! < ids[b]!;
      merged[ofKnown + ofFresh] = isKnownNext ? a : b;
      if (isKnownNext) ofKnown += 1;
      else ofFresh += 1;
    }
    merged.set(known.subarray(ofKnown), ofKnown + ofFresh);
    merged.set(fresh.subarray(ofFresh), ofKnown + ofFresh);
    this.#ascending = merged;
    return merged;
  }
}
