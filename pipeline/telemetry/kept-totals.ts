/** Fields of `Counters` whose values are numbers. */
export type NumberField<Counters> = {
  [Field in keyof Counters]: Counters[Field] extends number ? Field : never;
}[keyof Counters];

/**
 * Totals by name (a lane, a receiver) of things that come and go: what has gone keeps its share, so no total
 * goes backwards while the process lives.
 */
export class KeptTotals<Counters extends object> {
  readonly #fields: readonly NumberField<Counters>[];
  readonly #gone = new Map<string, Map<NumberField<Counters>, number>>();

  constructor(fields: readonly NumberField<Counters>[]) {
    this.#fields = fields;
  }

  /** It is about to go: from now on it must not be among those that are there. */
  keep(name: string, counters: Counters): void {
    const totals = this.#gone.get(name) ?? new Map<NumberField<Counters>, number>();
    this.#gone.set(name, totals);
    for (const field of this.#fields) {
      totals.set(field, (totals.get(field) ?? 0) + Number(counters[field]));
    }
  }

  /** The totals of a field, by name. */
  of(
    field: NumberField<Counters>,
    present: Iterable<readonly [name: string, counters: Counters]>,
  ): ReadonlyMap<string, number> {
    const totals = new Map<string, number>();
    for (const [name, kept] of this.#gone) totals.set(name, kept.get(field) ?? 0);
    for (const [name, counters] of present) {
      totals.set(name, (totals.get(name) ?? 0) + Number(counters[field]));
    }
    return totals;
  }
}
