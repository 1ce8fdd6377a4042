import { isUtf8 } from 'node:buffer';
import type { Label, SeriesKind } from '../../pipeline/wire/catalogue.ts';
import { PromFamily } from './prom-family.ts';
import { parseNumber } from './prom-number.ts';

const METRIC_NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const BLANK_LINE = /^[ \t]*$/;
const COMMENT = /^[ \t]*#[ \t]*([^ \t]*)[ \t]*(.*)$/s;
/** The name that a HELP or TYPE line is about, and the rest of the line. */
const DESCRIBED = new RegExp(`^(${METRIC_NAME})(?:[ \\t]+(.*))?$`, 's');
/** What a HELP text may contain: a backslash is always one of two escapes. */
const ESCAPED = /^(?:[^\\]|\\[\\n])*$/;
const SAMPLE_NAME = new RegExp(`[ \\t]*(${METRIC_NAME})[ \\t]*`, 'y');
const LABEL = /[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\["\\n])*)"[ \t]*([,}])/y;
const LABELS_END = /[ \t]*\}/y;
const VALUE = /[ \t]*([^ \t]+)(.*)$/sy;
const TIMESTAMP = /^[ \t]+-?[0-9]+[ \t]*$/;

const KINDS: ReadonlySet<string> = new Set<SeriesKind>([
  'counter',
  'gauge',
  'histogram',
  'summary',
  'untyped',
]);
/** The series that a histogram or a summary consists of, besides its own name. */
const COMPONENTS: readonly (readonly [suffix: string, of: readonly SeriesKind[]])[] = [
  ['_sum', ['histogram', 'summary']],
  ['_count', ['histogram', 'summary']],
  ['_bucket', ['histogram']],
];

/** Metric families in the order of their first lines, or why the text as a whole is refused. */
export type PromText = { readonly families: readonly PromFamily[] } | { readonly refused: string };

/**
 * Parses the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats)
 * as Prometheus' own parser does: one wrong line, a missing newline at the end or more than
 * `samplesMax` samples and nothing of it counts. Samples with a time of their own are refused too.
 */
export function parsePromText(bytes: Buffer, samplesMax: number): PromText {
  // One character a byte: names and numbers are ASCII, and only what is shown needs decoding.
  const lines = bytes.toString('latin1').split('\n');
  const parser = new Parser(samplesMax);
  for (const [index, line] of lines.entries()) {
    const reason = index < lines.length - 1 ? parser.line(line) : unfinished(line);
    if (reason !== null) return { refused: `line ${index + 1}: ${reason}` };
  }
  return { families: parser.families() };
}

function unfinished(line: string): string | null {
  return BLANK_LINE.test(line) ? null : 'no newline at the end';
}

class Parser {
  readonly #families = new Map<string, PromFamily>();
  #samplesLeft: number;

  constructor(samplesMax: number) {
    this.#samplesLeft = samplesMax;
  }

  families(): PromFamily[] {
    return [...this.#families.values()].filter(({ empty }) => !empty);
  }

  /** Null, or what is wrong with the line. */
  line(line: string): string | null {
    if (BLANK_LINE.test(line)) return null;
    const comment = COMMENT.exec(line);
    if (comment === null) return this.#sample(line);
    const [, keyword, rest = ''] = comment;
    if ((keyword !== 'HELP' && keyword !== 'TYPE') || rest === '') return null;
    const [whole, name = '', text = ''] = DESCRIBED.exec(rest) ?? [];
    if (whole === undefined) return 'no metric name';
    const family = this.#family(name);
    if (text === '') return null;
    return keyword === 'HELP' ? describe(family, text) : classify(family, text);
  }

  /** The family that a name belongs to: `x_sum` belongs to `x` if that is a histogram. */
  #family(name: string): PromFamily {
    const known = this.#families.get(name);
    if (known !== undefined) return known;
    for (const [suffix, kinds] of COMPONENTS) {
      if (!name.endsWith(suffix)) continue;
      const family = this.#families.get(name.slice(0, -suffix.length));
      if (family?.kind !== undefined && kinds.includes(family.kind)) return family;
    }
    const family = new PromFamily(name);
    this.#families.set(name, family);
    return family;
  }

  #sample(line: string): string | null {
    SAMPLE_NAME.lastIndex = 0;
    const name = SAMPLE_NAME.exec(line)?.[1];
    if (name === undefined) return 'no metric name';
    if (--this.#samplesLeft < 0) return 'too many samples';
    const family = this.#family(name);
    family.kind ??= 'untyped';
    const labels: Label[] = [];
    let position = SAMPLE_NAME.lastIndex;
    if (line[position] === '{') {
      position = readLabels(line, position + 1, labels);
      if (position === -1) return 'wrong labels';
    }
    VALUE.lastIndex = position;
    const [, number = '', rest = ''] = VALUE.exec(line) ?? [];
    const value = parseNumber(number);
    if (value === null) return 'no number';
    if (rest !== '') return TIMESTAMP.test(rest) ? 'a time of its own' : 'more than a number';
    return family.add(name, labels, value);
  }
}

/** The first HELP text or none. */
function describe(family: PromFamily, text: string): string | null {
  if (family.help !== undefined) return `a second HELP for ${family.name}`;
  if (!ESCAPED.test(text)) return 'a wrong escape';
  family.help = decode(unescape(text));
  return null;
}

function classify(family: PromFamily, text: string): string | null {
  if (family.kind !== undefined) return `a second or late TYPE for ${family.name}`;
  const kind = text.toLowerCase();
  if (!KINDS.has(kind)) return 'an unknown TYPE';
  family.kind = kind as SeriesKind;
  return null;
}

/** Reads labels up to the closing brace; where that ends, or -1. */
function readLabels(line: string, start: number, into: Label[]): number {
  let position = start;
  for (;;) {
    LABELS_END.lastIndex = position;
    if (LABELS_END.test(line)) return LABELS_END.lastIndex;
    LABEL.lastIndex = position;
    const [whole, name = '', escaped = '', end] = LABEL.exec(line) ?? [];
    if (whole === undefined || name === '__name__') return -1;
    const value = decode(unescape(escaped));
    if (value === undefined || into.some(([other]) => other === name)) return -1;
    into.push([name, value]);
    position = LABEL.lastIndex;
    if (end === '}') return position;
  }
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

/** From one character a byte to text; undefined if the bytes are not UTF-8. */
function decode(latin1: string): string | undefined {
  const bytes = Buffer.from(latin1, 'latin1');
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}
