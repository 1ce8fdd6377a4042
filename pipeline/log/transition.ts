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

/** The frame that caused a transition: what a successor needs in order to go on counting. */
export interface TransitionCause {
  /** 16 hex digits: the run of the agent or collector that spoke. */
  readonly run: string;
  readonly seq: number;
  /** When JetStream took the frame, by its own clock, ms. */
  readonly arrivalMs: number;
  /** The lane clock then, ms. */
  readonly laneMs: number;
}

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
  /** Missing if no frame caused it, and in records of earlier versions. */
  readonly cause?: TransitionCause | undefined;
}

/**
 * How far the stopwatch of a pending or firing alert is, where its transition alone does not tell: the
 * condition has ceased to hold (`keep_firing_for`), or a clock has stepped.
 */
export interface AlertStopwatch extends TransitionCause {
  readonly targetId: string;
  readonly ruleKey: string;
  readonly seriesKey: string;
  readonly holds: boolean;
  /** Pending: how long it has held. Firing: how long ago it last held. ms */
  readonly elapsedMs: number;
  /** The time of the sample as of which that is so, ms. */
  readonly sampleMs: number;
}

/** How far a lane has been evaluated. */
export interface LanePlace {
  /** The last message that was evaluated wholly; 0: none. */
  readonly laneSeq: number;
  /** Frames of the message after it that have been evaluated as well. */
  readonly framesDone?: number | undefined;
  /** When the lane's stream was created, ms: a lane made anew has other numbers. */
  readonly streamId?: number | undefined;
  /** The lane clock after that message, ms. */
  readonly laneMs?: number | undefined;
  /** When JetStream took that message, ms. */
  readonly arrivalMs?: number | undefined;
}

/**
 * One message of the log: transitions that a lane's batch caused, in order; there may be none. What is optional
 * is missing in records of earlier versions.
 */
export interface TransitionRecord extends LanePlace {
  readonly lane: string;
  /** The claim under which it was written: nobody with a lower one writes after it. */
  readonly epoch?: number | undefined;
  /** Who wrote it; for people. */
  readonly member?: string | undefined;
  readonly transitions: readonly Transition[];
  readonly stopwatches?: readonly AlertStopwatch[] | undefined;
}
