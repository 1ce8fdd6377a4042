import { nearestWord } from './nearest-word.ts';

/** Why a text is not a value; the remedy, where there is one, follows the message. */
export class Refusal {
  readonly remedy: string | undefined;

  constructor(remedy?: string) {
    this.remedy = remedy;
  }
}

/**
 * The grammar of a value. A flag, a variable, a YAML scalar and a default are all text, so there
 * is one grammar for all of them.
 */
export interface ValueType<T> {
  readonly name: string;
  /** Stands for the value in a flag's usage, such as `bytes`; empty for a flag without one. */
  readonly placeholder: string;
  /** What the value counts, such as `threads`; empty where the text names its unit itself. */
  readonly unit: string;
  /** Which values are allowed, such as `1 to 64`; empty where all of them are. */
  readonly range: string;
  /** Completes "expected …". */
  readonly expects: string;
  readonly parse: (text: string) => T | Refusal;
}

/** A whole number within a range. */
export function integer(spec: { min: number; max: number; unit: string }): ValueType<number> {
  const range = `${spec.min} to ${spec.max}`;
  return {
    name: 'integer',
    placeholder: 'number',
    unit: spec.unit,
    range,
    expects: `a whole number from ${range}`,
    parse(text) {
      const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
      return value >= spec.min && value <= spec.max ? value : new Refusal();
    },
  };
}

/** A TCP port to listen on; 0 lets the system choose. */
export function port(): ValueType<number> {
  return { ...integer({ min: 0, max: 65_535, unit: '' }), name: 'port', placeholder: 'port' };
}

const byteUnits: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['tb', 1e12],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
  ['tib', 2 ** 40],
]);

/** A size: `512KiB`, `1.5GB`, or a plain number of bytes. `min` and `max` are written alike. */
export function bytes(spec: { min: string; max: string }): ValueType<number> {
  const range = `${spec.min} to ${spec.max}`;
  const inRange = within(parseBytes, spec);
  return {
    name: 'bytes',
    placeholder: 'bytes',
    unit: '',
    range,
    expects: `a size such as 512KiB or 1GB, from ${range}`,
    parse: inRange,
  };
}

function parseBytes(text: string): number | Refusal {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(text) ?? [];
  const factor = byteUnits.get(unit.toLowerCase());
  if (digits === undefined) return new Refusal();
  if (factor !== undefined) return Math.round(Number(digits) * factor);
  return new Refusal(
    byteUnits.has(`${unit.toLowerCase()}ib`)
      ? `did you mean \`${digits}${unit.toUpperCase()}iB\`?`
      : 'the units are B, KB, MB, GB, TB and KiB, MiB, GiB, TiB',
  );
}

const durationUnitsMs = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

const durationPattern = new RegExp(
  `^(?=.)${Object.keys(durationUnitsMs)
    .map((unit) => `(?:(\\d{1,12}(?:\\.\\d{1,6})?)${unit})?`)
    .join('')}$`,
);

/**
 * A span of time in milliseconds: `500ms`, `15s`, `1h30m`, `7d`, the larger unit first. `min` and
 * `max` are written alike.
 */
export function duration(spec: { min: string; max: string }): ValueType<number> {
  const range = `${spec.min} to ${spec.max}`;
  const inRange = within(parseDuration, spec);
  return {
    name: 'duration',
    placeholder: 'duration',
    unit: '',
    range,
    expects: `a duration such as 15s, 500ms or 1h30m, from ${range}`,
    parse: inRange,
  };
}

function parseDuration(text: string): number | Refusal {
  if (/^\d+(\.\d+)?$/.test(text)) {
    return new Refusal(`it has no unit; did you mean \`${text}s\`?`);
  }
  const amounts = durationPattern.exec(text)?.slice(1);
  if (amounts === undefined) {
    return new Refusal('the units are w, d, h, m, s and ms, the larger first');
  }
  const unitsMs = Object.values(durationUnitsMs);
  return Math.round(amounts.reduce((sum, n, index) => sum + Number(n ?? 0) * unitsMs[index]!, 0));
}

/** Narrows a grammar of numbers to a range that is written in the same grammar. */
function within(
  parse: (text: string) => number | Refusal,
  spec: { min: string; max: string },
): (text: string) => number | Refusal {
  const min = parse(spec.min);
  const max = parse(spec.max);
  if (min instanceof Refusal || max instanceof Refusal) {
    throw new TypeError(`not a range: ${spec.min} to ${spec.max}`);
  }
  return (text) => {
    const value = parse(text);
    return value instanceof Refusal || (value >= min && value <= max) ? value : new Refusal();
  };
}

const textLengthMax = 4096;

/** Any text on one line, or only text that a pattern matches, which `range` then describes. */
export function text(spec?: { pattern: RegExp; range: string }): ValueType<string> {
  return {
    name: 'text',
    placeholder: 'text',
    unit: '',
    range: spec?.range ?? '',
    expects: spec ? `text of the form ${spec.range}` : `1 to ${textLengthMax} characters on a line`,
    parse: (value) =>
      isLine(value) && (spec === undefined || spec.pattern.test(value)) ? value : new Refusal(),
  };
}

/** A file or folder; a relative one is looked up from the working directory. */
export function path(): ValueType<string> {
  return {
    name: 'path',
    placeholder: 'path',
    unit: '',
    range: '',
    expects: 'a path',
    parse: (value) => (isLine(value) ? value : new Refusal()),
  };
}

/** Whether a text can be a name or a secret: not empty, not endless, no control characters. */
export function isLine(value: string): boolean {
  return value.length > 0 && value.length <= textLengthMax && !/\p{Cc}/u.test(value);
}

/** `true` or `false`. As a flag it takes no value. */
export function boolean(): ValueType<boolean> {
  return {
    name: 'boolean',
    placeholder: '',
    unit: '',
    range: 'true or false',
    expects: 'true or false',
    parse: (value) => (value === 'true' || value === 'false' ? value === 'true' : new Refusal()),
  };
}

/** One of a few words or numbers. */
export function choice<const T extends string | number>(
  values: readonly T[],
  placeholder: string,
): ValueType<T> {
  const words = values.map(String);
  return {
    name: 'choice',
    placeholder,
    unit: '',
    range: words.join(', '),
    expects: `one of ${words.join(', ')}`,
    parse(value) {
      const chosen = values[words.indexOf(value)];
      if (chosen !== undefined) return chosen;
      const near = nearestWord(value, words);
      return new Refusal(near === undefined ? undefined : `did you mean \`${near}\`?`);
    },
  };
}

/**
 * A regular expression of JavaScript; `whole` if it has to match a value from its beginning to its
 * end, as in Prometheus' label matchers, and not only a part of it.
 */
export function pattern(spec: { whole: boolean }): ValueType<RegExp> {
  return {
    name: 'pattern',
    placeholder: 'pattern',
    unit: '',
    range: '',
    expects: 'a regular expression',
    parse(value) {
      if (!isLine(value)) return new Refusal();
      try {
        return new RegExp(spec.whole ? `^(?:${value})$` : value);
      } catch (error) {
        return new Refusal((error as Error).message);
      }
    },
  };
}
