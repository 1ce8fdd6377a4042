/** What rules watch is not the total of these, which stays for ever, but what was added lately. */
export const RECENT_MS = 600_000;
/** In place of `_total`: the gauge of what was added within the time. */
export const RECENT_SUFFIX = '_10m';

/**
 * Counters of what must not happen, or must not go on: rules can compare them only with a number, and a total
 * would keep an alert firing until the process is started again.
 */
export const WATCHED_COUNTERS: ReadonlySet<string> = new Set([
  'rollcall_collector_quarantine_refused_total',
  'rollcall_writer_duplicate_frames_total',
  'rollcall_writer_parking_dropped_total',
  'rollcall_alerter_alerts_refused_total',
  'rollcall_alerter_missed_messages_total',
  'rollcall_alerter_frames_unknown_catalogue_total',
  'rollcall_alerter_delivery_missed_records_total',
  'rollcall_alerter_notifications_rejected_total',
  'rollcall_member_record_dropped_total',
  'rollcall_self_reports_dropped_total',
  'rollcall_self_series_refused_total',
]);

/** The gauge of a counter's recent increase: `x_total` becomes `x_10m`. */
export function recentName(counter: string): string {
  return `${counter.replace(/_total$/, '')}${RECENT_SUFFIX}`;
}

interface Steps {
  last: number;
  /** Increase within each step of the window, the oldest first. */
  readonly steps: { readonly step: number; increase: number }[];
}

const STEPS = 20;
const SERIES_MAX = 5000;

/**
 * By how much counters have grown within the window, to a twentieth of it. What is seen for the first time
 * has grown from 0, and so has what is lower than before: its process, or its part, began anew.
 */
export class RecentIncrease {
  readonly #stepMs: number;
  readonly #series = new Map<string, Steps>();

  constructor(windowMs = RECENT_MS) {
    this.#stepMs = windowMs / STEPS;
  }

  get size(): number {
    return this.#series.size;
  }

  /** Takes a counter's value at a monotonic time and returns its increase; 0 if there is no room. */
  add(key: string, total: number, nowMs: number): number {
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= SERIES_MAX) return 0;
      series = { last: 0, steps: [] };
      this.#series.set(key, series);
    }
    const increase = total < series.last ? total : total - series.last;
    series.last = total;
    const step = Math.floor(nowMs / this.#stepMs);
    const { steps } = series;
    if (increase > 0 && steps.at(-1)?.step !== step) steps.push({ step, increase: 0 });
    if (increase > 0) steps.at(-1)!.increase += increase;
    while (steps.length > 0 && steps[0]!.step <= step - STEPS) steps.shift();
    return steps.reduce((sum, { increase }) => sum + increase, 0);
  }
}
