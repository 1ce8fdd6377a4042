import { comparisonHolds } from '../promql/comparison.ts';
import type { ComparisonOperator } from '../promql/expression.ts';
import { appliesTo } from './check.ts';
import type { Check } from './check.ts';
import type { FrameView } from './frame-view.ts';

/** A check and the slot of a frame that it looks at. */
export interface PlacedCheck {
  readonly check: Check;
  readonly slot: number;
}

/** What a frame says to one check. */
export interface Said {
  readonly holds: boolean;
  readonly isPresent: boolean;
  /** NaN if it is absent. */
  readonly value: number;
}

/** Comparisons to make on the slots of a frame, laid side by side so that a quiet frame is passed quickly. */
export class CheckList {
  readonly checks: readonly Check[];
  /** Whether any check asks for the target's labels. */
  readonly dependsOnTarget: boolean;
  readonly #slots: Uint32Array;
  readonly #thresholds: Float64Array;
  readonly #operators: readonly ComparisonOperator[];

  constructor(placed: readonly PlacedCheck[]) {
    this.checks = placed.map(({ check }) => check);
    this.dependsOnTarget = this.checks.some(({ targetMatchers }) => targetMatchers.length > 0);
    this.#slots = Uint32Array.from(placed, ({ slot }) => slot);
    this.#thresholds = Float64Array.from(this.checks, ({ threshold }) => threshold);
    this.#operators = this.checks.map(({ operator }) => operator);
  }

  /** Whether no condition holds. */
  isQuiet(frame: FrameView): boolean {
    const slots = this.#slots;
    const thresholds = this.#thresholds;
    const operators = this.#operators;
    for (let i = 0; i < slots.length; i += 1) {
      const slot = slots[i]!;
      if (!frame.isPresent(slot)) continue;
      if (comparisonHolds(operators[i]!, frame.value(slot), thresholds[i]!)) return false;
    }
    return true;
  }

  /** What a frame says to check `i`. */
  said(i: number, frame: FrameView): Said {
    const slot = this.#slots[i]!;
    const isPresent = frame.isPresent(slot);
    const value = isPresent ? frame.value(slot) : NaN;
    const holds = isPresent && comparisonHolds(this.#operators[i]!, value, this.#thresholds[i]!);
    return { holds, isPresent, value };
  }

  /** The checks that apply to a target with these labels. */
  placedFor(targetLabels: Readonly<Record<string, string>>): PlacedCheck[] {
    return this.checks
      .map((check, i) => ({ check, slot: this.#slots[i]! }))
      .filter(({ check }) => appliesTo(check, targetLabels));
  }
}
