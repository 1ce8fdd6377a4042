import type { Target } from '../../pipeline/targets/target.ts';
import { targetLabels } from '../../pipeline/targets/target.ts';
import { compile } from './check.ts';
import type { Check } from './check.ts';
import { CheckList } from './check-list.ts';
import type { PlacedCheck } from './check-list.ts';
import type { KeyedRule, RuleSet } from './rule-set.ts';
import type { KnownSeries } from './series-index.ts';

/** The rules compiled to the slots of one catalogue. */
export interface Plan {
  /** By whom, and so for which rules. */
  readonly planner: Planner;
  /** Slots of a frame of the catalogue. */
  readonly slots: number;
  /** Shared by all catalogues in which the rules' series have the same slots. */
  readonly list: CheckList;
}

/** What is remembered so that it is shared; beyond it things are made anew, which costs memory only. */
const SHARED_SERIES_MAX = 262_144;
const SHARED_LISTS_MAX = 16_384;

/**
 * Compiles one rule set to catalogues. Nearly every host has a catalogue of its own, for its name is in it; few of them
 * differ where rules look. So what the rules make of a series is made once, and so is each list of it.
 */
export class Planner {
  readonly #byName: ReadonlyMap<string | undefined, readonly KeyedRule[]>;
  readonly #nameless: readonly KeyedRule[];
  readonly #bySeries = new Map<string, readonly Check[]>();
  readonly #lists = new Map<string, CheckList>();
  #checks = 0;

  constructor({ rules }: RuleSet) {
    this.#byName = Map.groupBy(rules, ({ rule }) => rule.condition.selector.metric);
    this.#nameless = this.#byName.get(undefined) ?? [];
  }

  plan(series: readonly KnownSeries[]): Plan {
    const placed: PlacedCheck[] = [];
    for (const [slot, one] of series.entries()) {
      for (const check of this.#checksOf(one)) placed.push({ check, slot });
    }
    return { planner: this, slots: series.length, list: this.#shared(placed) };
  }

  /** The plan's checks that apply to a target. */
  listFor({ list }: Plan, target: Target): CheckList {
    return list.dependsOnTarget ? this.#shared(list.placedFor(targetLabels(target))) : list;
  }

  #checksOf(series: KnownSeries): readonly Check[] {
    const named = this.#byName.get(series.name);
    if (named === undefined && this.#nameless.length === 0) return [];
    const known = this.#bySeries.get(series.key);
    if (known !== undefined) return known;
    const checks = [...(named ?? []), ...this.#nameless].flatMap((rule) => {
      this.#checks += 1;
      return compile(rule, series, this.#checks) ?? [];
    });
    if (this.#bySeries.size >= SHARED_SERIES_MAX) this.#bySeries.clear();
    this.#bySeries.set(series.key, checks);
    return checks;
  }

  #shared(placed: readonly PlacedCheck[]): CheckList {
    const key = placed.map(({ check, slot }) => `${check.number}:${slot}`).join();
    let list = this.#lists.get(key);
    if (list === undefined) {
      list = new CheckList(placed);
      if (this.#lists.size >= SHARED_LISTS_MAX) this.#lists.clear();
      this.#lists.set(key, list);
    }
    return list;
  }
}
