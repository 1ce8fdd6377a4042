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

  /** All numbers that were given so far, by ascending id. Made anew after new ids. */
  get ascending(): Int32Array {
    const ids = this.#ids;
    if (this.#ascending.length < ids.length) {
      const numbers = Int32Array.from(ids.keys());
      this.#ascending = numbers.toSorted((a, b) => (ids[a]! < ids[b]! ? -1 : 1));
    }
    return this.#ascending;
  }
}
