import {
  LABEL_VALUE_BYTES_MAX,
  LABELS_PER_SERIES_MAX,
  METRIC_NAME_BYTES_MAX,
  seriesKey,
} from '../wire/catalogue.ts';
import type { Label, SeriesInfo, SeriesKind } from '../wire/catalogue.ts';
import { recentName, WATCHED_COUNTERS } from './recent-increase.ts';
import type { RecentIncrease } from './recent-increase.ts';

/** A metric as prom-client's `getMetricsAsJSON` gives it, as far as it is reported. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  /** `counter` and `gauge` are reported. */
  readonly type: string | number;
  readonly values: readonly {
    readonly labels: Readonly<Partial<Record<string, string | number>>>;
    readonly value: number;
  }[];
}

/** One series and its value at present. */
export interface SelfSample {
  readonly key: string;
  readonly info: SeriesInfo;
  readonly value: number;
}

const HELP_LENGTH_MAX = 200;
const UNITS = ['seconds', 'bytes', 'ratio'];

/**
 * The series of a process's counters and gauges. Histograms and summaries are left out, and so is what is
 * NaN: a gauge that is not known yet. Of a watched counter there is a gauge as well: what was added
 * lately.
 */
export function* selfSamples(
  metrics: readonly Metric[],
  recent: RecentIncrease,
  nowMs: number,
): Generator<SelfSample> {
  for (const { name, help, type, values } of metrics) {
    const kind = kindOf(String(type));
    if (kind === undefined || name.length > METRIC_NAME_BYTES_MAX) continue;
    for (const { labels, value } of values) {
      if (Number.isNaN(value)) continue;
      const sample = sampleOf(name, help, kind, labels, value);
      yield sample;
      if (kind !== 'counter' || !WATCHED_COUNTERS.has(name)) continue;
      const increase = recent.add(sample.key, value, nowMs);
      yield sampleOf(recentName(name), `${help} Within 10 minutes.`, 'gauge', labels, increase);
    }
  }
}

function sampleOf(
  name: string,
  help: string,
  kind: SeriesKind,
  given: Metric['values'][number]['labels'],
  value: number,
): SelfSample {
  const labels = labelsOf(given);
  const shortHelp = help.slice(0, HELP_LENGTH_MAX);
  const info = { name, labels, kind, unit: unitOf(name), help: shortHelp };
  return { key: seriesKey(name, labels), info, value };
}

/** Sorted; one without a value is none. */
function labelsOf(given: Metric['values'][number]['labels']): Label[] {
  return Object.entries(given)
    .map(([label, value]): Label => [label, short(String(value ?? ''))])
    .filter(([, value]) => value !== '')
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, LABELS_PER_SERIES_MAX);
}

function short(text: string): string {
  if (Buffer.byteLength(text) <= LABEL_VALUE_BYTES_MAX) return text;
  // A character has at most three bytes for each of its UTF-16 units.
  return text.slice(0, Math.floor(LABEL_VALUE_BYTES_MAX / 3)).toWellFormed();
}

function kindOf(type: string): SeriesKind | undefined {
  return type === 'counter' || type === 'gauge' ? type : undefined;
}

function unitOf(name: string): string {
  const last = name
    .replace(/_total$/, '')
    .split('_')
    .at(-1)!;
  return UNITS.includes(last) ? last : '';
}
