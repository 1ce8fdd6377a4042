/** One series of a Prometheus text. */
export interface TextSeries {
  readonly name: string;
  /** `name{label="value"}` with the labels sorted by name. */
  readonly key: string;
  readonly type: string;
  readonly value: number;
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)",?/g;

/** The series of a text in format 0.0.4, by key; of a line that is none nothing is kept. */
export function readExposition(text: string): ReadonlyMap<string, TextSeries> {
  const types = new Map<string, string>();
  const series = new Map<string, TextSeries>();
  for (const line of text.split('\n')) {
    const [, typed, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (typed !== undefined) types.set(typed, type!);
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
    if (name === undefined) continue;
    const pairs = [...labels.matchAll(LABEL)].map(([, label, content]) => `${label}="${content}"`);
    const key = pairs.length === 0 ? name : `${name}{${pairs.toSorted().join(',')}}`;
    series.set(key, { name, key, type: typeOf(types, name), value: numberOf(value!) });
  }
  return series;
}

function typeOf(types: ReadonlyMap<string, string>, name: string): string {
  return types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, '')) ?? 'untyped';
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
