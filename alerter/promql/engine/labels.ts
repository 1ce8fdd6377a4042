/** Labels of a series with its name among them as `__name__`, sorted by name; a label without a value is no label. */
export class Labels {
  static readonly NONE = new Labels([]);
  readonly pairs: readonly (readonly [name: string, value: string])[];
  #key: string | undefined;

  private constructor(pairs: readonly (readonly [string, string])[]) {
    this.pairs = pairs;
  }

  static of(pairs: Iterable<readonly [name: string, value: string]>): Labels {
    const kept = [...pairs].filter(([, value]) => value !== '');
    return new Labels(kept.toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))));
  }

  /** The same for the same labels, and no others. */
  get key(): string {
    this.#key ??= JSON.stringify(this.pairs);
    return this.#key;
  }

  /** '' if there is none. */
  get(name: string): string {
    return this.pairs.find(([each]) => each === name)?.[1] ?? '';
  }

  with(name: string, value: string): Labels {
    const others = this.pairs.filter(([each]) => each !== name);
    return Labels.of([...others, [name, value]]);
  }

  without(names: ReadonlySet<string>): Labels {
    return new Labels(this.pairs.filter(([name]) => !names.has(name)));
  }

  only(names: ReadonlySet<string>): Labels {
    return new Labels(this.pairs.filter(([name]) => names.has(name)));
  }

  get nameless(): Labels {
    return this.get('__name__') === '' ? this : this.without(NAME);
  }
}

const NAME: ReadonlySet<string> = new Set(['__name__']);
