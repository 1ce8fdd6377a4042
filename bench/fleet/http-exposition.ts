import type { Metric, SeriesSink } from '../../agent/source.ts';
import type { Label, SeriesInfo } from '../../pipeline/wire/catalogue.ts';
import type { RecordedSource } from '../recording/recorded-source.ts';
import type { Replay } from '../recording/replay.ts';

/** Takes values and does nothing with them: they are read from the source itself. */
const NOWHERE: SeriesSink = {
  declare: () => 0,
  set: () => undefined,
  malformed: () => undefined,
};

/** The series of a replay, in the order of its values. */
export function seriesOf(replay: Replay): SeriesInfo[] {
  const series: SeriesInfo[] = [];
  const declare = (metric: Metric, labels: readonly Label[] = []): number =>
    series.push({ ...metric, labels }) - 1;
  replay.declare({ ...NOWHERE, declare });
  return series;
}

/** Advances a host by one tick; its values are `source.values` then. */
export function advance(source: RecordedSource): void {
  source.read(NOWHERE);
}

/**
 * What hosts of one replay say over HTTP: Prometheus' text format 0.0.4, with `HELP` and `TYPE` as an exporter writes
 * them. All but the values is made once: 200 series, 24.7 KB, take 37 µs.
 */
export class Exposition {
  /** What stands before each value, by place in the text. */
  readonly #before: readonly string[];
  /** By place in the text, the series' place in the replay: series of one name stand together. */
  readonly #order: readonly number[];

  constructor(replay: Replay) {
    const series = seriesOf(replay);
    const names = [...new Set(series.map(({ name }) => name))];
    this.#order = names.flatMap((name) =>
      series.flatMap((each, at) => (each.name === name ? [at] : [])),
    );
    let above = '';
    this.#before = this.#order.map((at, place) => {
      const { name, labels } = series[at]!;
      const head = name === above ? '' : headOf(series[at]!);
      above = name;
      return `${place === 0 ? '' : '\n'}${head}${seriesText(name, labels)} `;
    });
  }

  /** The text of the host's last tick. */
  text({ values }: Pick<RecordedSource, 'values'>): string {
    let text = '';
    for (let place = 0; place < this.#order.length; place += 1) {
      text += this.#before[place]! + valueText(values[this.#order[place]!]!);
    }
    return `${text}\n`;
  }
}

/** `name{label="value"}` as the text formats write it. */
export function seriesText(name: string, labels: readonly Label[]): string {
  if (labels.length === 0) return name;
  const pairs = labels.map(([label, value]) => `${label}="${escaped(value)}"`);
  return `${name}{${pairs.join(',')}}`;
}

/** The shortest text that gives the same number again. */
export function valueText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** Histograms and summaries are several names with one type; without it they are untyped. */
function headOf({ name, kind, help }: SeriesInfo): string {
  if (kind === 'histogram' || kind === 'summary') return '';
  const text = help.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`);
  return `# HELP ${name} ${text}\n# TYPE ${name} ${kind}\n`;
}

function escaped(value: string): string {
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}
