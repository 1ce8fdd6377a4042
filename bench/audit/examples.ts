/** Some of what is wrong, for people: a few of each kind. */
export class Examples {
  readonly #byKind = new Map<string, string[]>();

  add(kind: string, text: string): void {
    const known = this.#byKind.get(kind) ?? [];
    this.#byKind.set(kind, known);
    if (known.length < EXAMPLES_MAX) known.push(text);
  }

  of(...kinds: readonly string[]): readonly string[] {
    return kinds.flatMap((kind) => this.#byKind.get(kind) ?? []);
  }

  /** For the report. */
  toJSON(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries(this.#byKind);
  }
}

const EXAMPLES_MAX = 4;
