import type { Target } from '../../pipeline/targets/target.ts';
import type { Alert } from './alert.ts';
import type { KnownCatalogue } from './catalogue-index.ts';
import type { CheckList } from './check-list.ts';

/** One run that speaks of a target: its agent's, a collector's. */
export interface Voice {
  /** The halves of the run's id. */
  readonly runLow: number;
  readonly runHigh: number;
  /** The newest seq evaluated. */
  seq: number;
  /** What its latest frame was made by, with the checks on it that apply to the target. */
  catalogue: KnownCatalogue | undefined;
  checks: CheckList | undefined;
}

/** What the alerter keeps of one target. */
export interface TargetState {
  target: Target;
  /** By `Check.alertKey`; shared and empty until there is one. */
  alerts: ReadonlyMap<string, Alert>;
  /** The one that spoke last comes first. */
  readonly voices: Voice[];
}

const VOICES_MAX = 8;
const NO_ALERTS: ReadonlyMap<string, Alert> = new Map();

export function newTargetState(target: Target): TargetState {
  return { target, alerts: NO_ALERTS, voices: [] };
}

export function setAlert(state: TargetState, alert: Alert): void {
  if (state.alerts === NO_ALERTS) state.alerts = new Map();
  (state.alerts as Map<string, Alert>).set(alert.key, alert);
}

/** @returns whether there was one */
export function deleteAlert(state: TargetState, key: string): boolean {
  const wasThere = state.alerts !== NO_ALERTS && (state.alerts as Map<string, Alert>).delete(key);
  if (state.alerts.size === 0) state.alerts = NO_ALERTS;
  return wasThere;
}

/** Undefined if the run is not known. */
export function voiceOf(state: TargetState, low: number, high: number): Voice | undefined {
  const { voices } = state;
  for (let i = 0; i < voices.length; i += 1) {
    const voice = voices[i]!;
    if (voice.runLow === low && voice.runHigh === high) return voice;
  }
  return undefined;
}

/**
 * Remembers how far a run has been evaluated. Of the runs that spoke of the target only the latest eight are known.
 *
 * @returns undefined if a frame is no newer than what was evaluated of the same run
 */
export function advance(
  state: TargetState,
  low: number,
  high: number,
  seq: number,
): Voice | undefined {
  const { voices } = state;
  let at = 0;
  while (at < voices.length && !(voices[at]!.runLow === low && voices[at]!.runHigh === high)) {
    at += 1;
  }
  let voice = voices[at];
  if (voice === undefined) {
    voice = { runLow: low, runHigh: high, seq: -1, catalogue: undefined, checks: undefined };
    at = voices.length === VOICES_MAX ? VOICES_MAX - 1 : voices.length;
  }
  for (; at > 0; at -= 1) voices[at] = voices[at - 1]!;
  voices[0] = voice;
  if (voice.seq >= seq) return undefined;
  voice.seq = seq;
  return voice;
}

/** Its labels, or the rules, are others: what was made of them counts no more. */
export function forgetChecks(state: TargetState): void {
  for (const voice of state.voices) voice.checks = undefined;
}
