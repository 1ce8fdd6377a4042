/**
 * A map that holds so much and forgets what was used longest ago. For what can be had again.
 */
export class LeastRecentlyUsed<Key, Item> {
  readonly #items = new Map<Key, Item>();
  readonly #sizeMax: number;
  readonly #sizeOf: (item: Item) => number;
  #size = 0;

  /** `sizeOf` says what counts of an item; 1 each unless given. The newest stays, whatever its size. */
  constructor(sizeMax: number, sizeOf: (item: Item) => number = () => 1) {
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
  }

  get count(): number {
    return this.#items.size;
  }

  get(key: Key): Item | undefined {
    const item = this.#items.get(key);
    if (item === undefined) return undefined;
    this.#items.delete(key);
    this.#items.set(key, item);
    return item;
  }

  set(key: Key, item: Item): void {
    this.#delete(key);
    this.#items.set(key, item);
    this.#size += this.#sizeOf(item);
    for (const oldest of this.#items.keys()) {
      if (this.#size <= this.#sizeMax || oldest === key) return;
      this.#delete(oldest);
    }
  }

  clear(): void {
    this.#items.clear();
    this.#size = 0;
  }

  #delete(key: Key): void {
    const item = this.#items.get(key);
    if (item === undefined) return;
    this.#size -= this.#sizeOf(item);
    this.#items.delete(key);
  }
}
