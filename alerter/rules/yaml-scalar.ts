import type { Scalar } from 'yaml';

/** The text of a YAML scalar, knowing where in the file each of its characters stands. */
export interface SourceText {
  readonly value: string;
  /** Where the scalar begins in the file. */
  readonly start: number;
  /** The file's offset for an offset in `value`. */
  readonly at: (offset: number) => number;
}

/** `file` is the whole text of the file, and `value` what the scalar says. */
export function sourceText(file: string, scalar: Scalar, value: string): SourceText {
  const start = scalar.range?.[0] ?? 0;
  let offsets: readonly number[] | undefined;
  return {
    value,
    start,
    at(offset) {
      // Worked out for the few scalars that have faults.
      offsets ??= offsetsOf(file, scalar, value, start);
      return offsets[Math.min(offset, value.length)] ?? start;
    },
  };
}

/** For each code unit of `value`, and for its end, the offset in the file. */
function offsetsOf(file: string, scalar: Scalar, value: string, start: number): readonly number[] {
  const { type } = scalar;
  const cursor = new Cursor(file, value);
  if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') {
    alignBlock(cursor, start);
  } else {
    const quote = type === 'QUOTE_DOUBLE' ? '"' : type === 'QUOTE_SINGLE' ? "'" : '';
    cursor.position = start + quote.length;
    alignFlow(cursor, quote);
  }
  return cursor.finish();
}

/** Walks through file and value side by side. */
class Cursor {
  readonly file: string;
  readonly value: string;
  readonly #offsets: number[] = [];
  /** In the file. */
  position = 0;

  constructor(file: string, value: string) {
    this.file = file;
    this.value = value;
  }

  /** How much of the value is found. */
  get found(): number {
    return this.#offsets.length;
  }

  get done(): boolean {
    return this.found >= this.value.length;
  }

  /** The next `units` of the value stand here; the file goes on after `width`. */
  take(units: number, width: number): void {
    for (let i = 0; i < units; i += 1) this.#offsets.push(this.position);
    this.position += width;
  }

  /** Matches a sticky pattern in the file here; the matched text, or undefined. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.position;
    return pattern.exec(this.file)?.[0];
  }

  /** Whatever is not found by now is said to stand here: the right line, if not the column. */
  finish(): readonly number[] {
    while (this.#offsets.length <= this.value.length) this.#offsets.push(this.position);
    return this.#offsets;
  }
}

const FLOW_FOLD = /[ \t]*(?:\r?\n[ \t]*)+/y;
const ESCAPED_BREAK = /\\\r?\n[ \t]*/y;
const ESCAPE = /\\(?:x[^]{2}|u[^]{4}|U[^]{8}|[^])/y;

/** Plain and quoted scalars: lines are folded, each with its white space at both ends removed. */
function alignFlow(cursor: Cursor, quote: string): void {
  while (!cursor.done) {
    const continued = quote === '"' ? cursor.match(ESCAPED_BREAK) : undefined;
    if (continued !== undefined) {
      cursor.take(0, continued.length);
      continue;
    }
    const escape = quote === '"' ? cursor.match(ESCAPE) : undefined;
    if (escape !== undefined) {
      const isPair = escape.startsWith('\\U') && parseInt(escape.slice(2), 16) > 0xffff;
      cursor.take(isPair ? 2 : 1, escape.length);
      continue;
    }
    const fold = cursor.match(FLOW_FOLD);
    if (fold !== undefined) {
      const breaks = fold.split('\n').length - 1;
      cursor.take(Math.max(1, breaks - 1), fold.length);
      continue;
    }
    const char = cursor.file[cursor.position];
    if (char !== cursor.value[cursor.found]) return;
    cursor.take(1, quote === "'" && char === "'" ? 2 : 1);
  }
}

const HEADER = /[^\n]*\n/y;
const BLOCK_BREAK = /\r?\n/y;
const SPACES = / */y;

/** Literal and folded scalars: lines without their indentation, which may hold blank lines. */
function alignBlock(cursor: Cursor, start: number): void {
  cursor.position = start;
  cursor.position += cursor.match(HEADER)?.length ?? 0;
  const indent = indentOf(cursor);
  const skipIndent = (): void => {
    cursor.take(0, Math.min(indent, cursor.match(SPACES)?.length ?? 0));
  };
  skipIndent();
  while (!cursor.done) {
    const end = cursor.match(BLOCK_BREAK);
    if (end === undefined) {
      if (cursor.file[cursor.position] !== cursor.value[cursor.found]) return;
      cursor.take(1, 1);
      continue;
    }
    // A folded break is a space, or nothing beside further breaks; a literal one stays.
    const char = cursor.value[cursor.found];
    cursor.take(char === '\n' || char === ' ' ? 1 : 0, end.length);
    skipIndent();
  }
}

/** The first line that is not blank shows it: what the file has more than the value. */
function indentOf(cursor: Cursor): number {
  const inFile = /^(?: *\r?\n)*( *)/.exec(cursor.file.slice(cursor.position))?.[1] ?? '';
  const inValue = /^(?: *\n)*( *)/.exec(cursor.value)?.[1] ?? '';
  return inFile.length - inValue.length;
}
