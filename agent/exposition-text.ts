import type { SeriesInfo, SeriesKind } from '../pipeline/wire/catalogue.ts';
import type { SeriesTable } from './series-table.ts';

/**
 * How readings are written for Prometheus: its own text format 0.0.4, or OpenMetrics 1.0.
 * Sources: prometheus.io/docs/instrumenting/exposition_formats, and
 * prometheus.io/docs/specs/om/open_metrics_spec
 */
export type TextFormat = 'prometheus' | 'openmetrics';

export const contentTypes: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

interface Row {
  /** `name{labels} `, to which the value is added. */
  readonly prefix: string;
  readonly index: number;
}

interface Family {
  /** The comment lines before the rows. */
  readonly head: string;
  readonly rows: Row[];
}

/** What belongs to a family of its own kind, with the family's name before it. */
const COMPONENT = /^(.+?)(_bucket|_sum|_count)?$/;

/** Writes a table's readings; what stays the same from scrape to scrape is made only once. */
export class ExpositionText {
  readonly #table: SeriesTable;
  readonly #format: TextFormat;
  #families: readonly Family[] = [];
  #catalogue: unknown;

  constructor(table: SeriesTable, format: TextFormat) {
    this.#table = table;
    this.#format = format;
  }

  /** Every present series, a family's after one another. */
  render(): string {
    const catalogue = this.#table.catalogue();
    if (this.#catalogue !== catalogue) {
      this.#families = familiesOf(this.#table.series, this.#format);
      this.#catalogue = catalogue;
    }
    let text = '';
    for (const family of this.#families) text += this.#familyText(family);
    return this.#format === 'openmetrics' ? `${text}# EOF\n` : text;
  }

  #familyText({ head, rows }: Family): string {
    const { values } = this.#table;
    let text = '';
    for (const { prefix, index } of rows) {
      if (this.#table.isPresent(index)) text += `${prefix}${formatValue(values[index]!)}\n`;
    }
    return text === '' ? '' : head + text;
  }
}

function familiesOf(series: readonly SeriesInfo[], format: TextFormat): readonly Family[] {
  const families = new Map<string, Family>();
  series.forEach((info, index) => {
    const key = familyName(info);
    let family = families.get(key);
    if (family === undefined) {
      family = { head: '', rows: [] };
      families.set(key, family);
    }
    family.rows.push({ prefix: `${info.name}${labelsText(info)} `, index });
  });
  return [...families].map(([name, { rows }]) => ({
    head: headText(name, series[rows[0]!.index]!, format, families),
    rows: rows.toSorted((a, b) => bucketOrder(series[a.index]!, series[b.index]!)),
  }));
}

function familyName({ name, kind }: SeriesInfo): string {
  if (kind !== 'histogram' && kind !== 'summary') return name;
  return COMPONENT.exec(name)![1]!;
}

/** Buckets of one histogram follow each other by their bound; everything else stays as it is. */
function bucketOrder(a: SeriesInfo, b: SeriesInfo): number {
  if (a.kind !== 'histogram' || b.kind !== 'histogram') return 0;
  const [restA, restB] = [restOfBucket(a), restOfBucket(b)];
  if (restA !== restB) return restA < restB ? -1 : 1;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return boundOf(a) - boundOf(b);
}

function restOfBucket({ labels }: SeriesInfo): string {
  return JSON.stringify(labels.filter(([label]) => label !== 'le'));
}

function boundOf({ labels }: SeriesInfo): number {
  const bound = labels.find(([label]) => label === 'le')?.[1] ?? '0';
  return bound === '+Inf' ? Number.MAX_VALUE : Number(bound);
}

function headText(
  name: string,
  { kind, unit, help }: SeriesInfo,
  format: TextFormat,
  families: ReadonlyMap<string, unknown>,
): string {
  if (format === 'prometheus') {
    return `${helpText(name, help, /[\\\n]/g)}# TYPE ${name} ${kind}\n`;
  }
  const [family, type] = openMetricsType(name, kind, families);
  const unitText = unit !== '' && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : '';
  return `# TYPE ${family} ${type}\n${unitText}${helpText(family, help, /[\\\n"]/g)}`;
}

/**
 * OpenMetrics names a counter's family without the `_total` of its sample. A counter that has no
 * such ending, or whose family's name is another's, is of unknown type there.
 */
function openMetricsType(
  name: string,
  kind: SeriesKind,
  families: ReadonlyMap<string, unknown>,
): [family: string, type: string] {
  if (kind === 'untyped') return [name, 'unknown'];
  if (kind !== 'counter') return [name, kind];
  const family = name.endsWith('_total') ? name.slice(0, -'_total'.length) : name;
  return family === name || families.has(family) ? [name, 'unknown'] : [family, 'counter'];
}

function helpText(name: string, help: string, escaped: RegExp): string {
  return help === '' ? '' : `# HELP ${name} ${help.replace(escaped, escapeCharacter)}\n`;
}

function labelsText({ labels }: SeriesInfo): string {
  if (labels.length === 0) return '';
  const pairs = labels.map(
    ([label, value]) => `${label}="${value.replace(/[\\"\n]/g, escapeCharacter)}"`,
  );
  return `{${pairs.join(',')}}`;
}

function escapeCharacter(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`;
}

function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}
