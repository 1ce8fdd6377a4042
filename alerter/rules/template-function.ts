import { formatGeneral } from './go-format.ts';
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
} from './humanize.ts';
import type { ValueType } from './printf.ts';

/** A function of one argument. `printf` is read apart, since its format says what it takes. */
export interface TemplateFunction {
  readonly takes: 'number' | 'string';
  /** The text, or undefined when this argument has none. */
  readonly apply: (argument: never) => string | undefined;
}

const numeric = (apply: (value: number) => string | undefined): TemplateFunction => ({
  takes: 'number',
  apply,
});

const textual = (apply: (text: string) => string): TemplateFunction => ({ takes: 'string', apply });

/** @see https://prometheus.io/docs/prometheus/latest/configuration/template_reference/ */
export const TEMPLATE_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([
  ['humanize', numeric(humanize)],
  ['humanize1024', numeric(humanize1024)],
  ['humanizeDuration', numeric(humanizeDuration)],
  ['humanizePercentage', numeric(humanizePercentage)],
  ['humanizeTimestamp', numeric(humanizeTimestamp)],
  ['title', textual(title)],
  ['toLower', textual(toLower)],
  ['toUpper', textual(toUpper)],
]);

/** Words of Go's and Prometheus' templates that are known here only to be refused by name. */
export const REFUSED_WORDS: ReadonlySet<string> = new Set(
  (
    'and args block break call continue define else end eq externalURL first ge graphLink gt html ' +
    'if index js label le len lt match ne not now or parseDuration pathPrefix print println query ' +
    'range reReplaceAll safeHtml slice sortByLabel stripDomain stripPort strvalue tableLink ' +
    'template tmpl toDuration toJson toTime urlQueryEscape urlquery value with'
  ).split(' '),
);

const NUMBER = /^[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)$/i;

/** The number that a text says, as Go's `strconv.ParseFloat` reads it; undefined for none. */
export function numberOf(value: string | number): number | undefined {
  if (typeof value === 'number') return value;
  if (!NUMBER.test(value)) return undefined;
  const word = /^([-+]?)(inf|nan)/i.exec(value);
  if (word === null) return Number(value);
  if (word[2]?.toLowerCase() === 'nan') return NaN;
  return word[1] === '-' ? -Infinity : Infinity;
}

/** What a template shows for a value that no function has formatted. */
export function plainText(value: string | number, type: ValueType): string {
  if (typeof value === 'string') return value;
  return type === 'int' ? String(value) : formatGeneral(value, undefined);
}

/** Go maps one character to one: what JavaScript makes longer, such as ß, stays as it is. */
function toUpper(text: string): string {
  let upper = '';
  for (const char of text) {
    const mapped = char.toUpperCase();
    upper += mapped.length === char.length ? mapped : char;
  }
  return upper;
}

function toLower(text: string): string {
  let lower = '';
  for (const char of text) lower += char === 'İ' ? 'i' : char.toLowerCase();
  return lower;
}

/** Upper case at the start of each word; a word ends at what is neither letter, digit nor `_`. */
function title(text: string): string {
  return text.replaceAll(/(?<![\p{L}\p{Nd}_])[\p{L}]/gu, toUpper);
}
