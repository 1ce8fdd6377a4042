/**
 * A map that holds so much and forgets what was used longest ago. For what can be had again.
 */
export class LeastRecentlyUsed<Key, Item> {
  readonly #items = new Map<Key, Item>();
  readonly #sizeMax: number;
  readonly #sizeOf: (item: Item) => number;
  readonly #onForget: (item: Item) => void;
  #size = 0;

  /**
   * `sizeOf` says what counts of an item; the newest stays, whatever its size. `onForget` hears of each that goes.
   */
  constructor(sizeMax: number, sizeOf: (item: Item) => number, onForget: (item: Item) => void) {
    this.#sizeMax = sizeMax;
    this.#sizeOf = sizeOf;
    this.#onForget = onForget;
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

  #delete(key: Key): void {
    const item = this.#items.get(key);
    if (item === undefined) return;
    this.#size -= this.#sizeOf(item);
    this.#items.delete(key);
    this.#onForget(item);
  }
}
