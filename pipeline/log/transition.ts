/** The state of one alert: a rule that holds for one series. */
export type AlertState = 'inactive' | 'pending' | 'firing';

/**
 * Why an alert changed its state:
 *
 * 1. `condition`: the expression began or ceased to hold, or held for long enough;
 * 2. `stale`: the series has not been heard of for the staleness limit;
 * 3. `rule_changed`: the rule was removed or changed;
 * 4. `target_removed`: the target was removed.
 */
export type TransitionReason = 'condition' | 'stale' | 'rule_changed' | 'target_removed';

/**
 * One change of an alert's state. It counts once JetStream has acknowledged it in the log, and is what is
 * notified and what ClickHouse shows.
 */
export interface Transition {
  readonly alert: string;
  readonly state: AlertState;
  readonly previous: AlertState;
  readonly reason: TransitionReason;
  /** Which rule: its content, not its place in a file. */
  readonly ruleKey: string;
  /** Which series of the target: `name{label="value"}`. */
  readonly seriesKey: string;
  /** 16 hex digits: the identity of `labels`, the same from pending to resolved. */
  readonly fingerprint: string;
  /** 16 hex digits. */
  readonly targetId: string;
  /** The time of the sample that caused it, ms. */
  readonly timeMs: number;
  /** Since when the expression has held, ms. */
  readonly activeAtMs: number;
  /** Since when it has been firing, ms; 0 while it never was. */
  readonly firedAtMs: number;
  readonly value: number;
  /** alertname, the series' labels, the target's labels, the rule's labels. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** One message of the log: all transitions that a lane's batch caused, in order. */
export interface TransitionRecord {
  readonly lane: string;
  /** The batch's sequence in the lane: evaluation goes on after it. */
  readonly laneSeq: number;
  readonly transitions: readonly Transition[];
}
