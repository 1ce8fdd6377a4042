import { faulty, parsed, type Parsed } from './fault.ts';

/** What a string literal says, and where each part of it stands. */
export interface StringLiteral {
  readonly value: string;
  /**
   * For each UTF-16 code unit of `value` its offset in the literal, quotes included, and one more
   * entry for the end.
   */
  readonly offsets: readonly number[];
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};

const NUMERIC_ESCAPE = /x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})/y;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a quoted string of PromQL, which are Go's: `"…"` and `'…'` with escapes, `` `…` `` without
 * any. `\x` and octal escapes name bytes, which together must be UTF-8.
 *
 * @param text the literal with its quotes.
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
 */
export function parseStringLiteral(text: string): Parsed<StringLiteral> {
  const quote = text[0];
  if (quote !== '"' && quote !== "'" && quote !== '`') return faulty(0, 'expected a quoted string');
  if (text.length < 2 || text.at(-1) !== quote) return faulty(0, 'this string is not closed');
  const sink = new LiteralSink();
  let at = 1;
  const end = text.length - 1;
  while (at < end) {
    const char = text[at] as string;
    if (quote !== '`') {
      if (char === quote) return faulty(at, `${quote} inside a string needs a \\ before it`);
      if (char === '\n') return faulty(at, 'a line break inside a string is written \\n');
      if (char === '\\') {
        const width = readEscape(text, at, end, quote, sink);
        if (width === 0)
          return faulty(at, `unknown escape ${text.slice(at, Math.min(at + 2, end))}`);
        at += width;
        continue;
      }
    } else if (char === '`') {
      return faulty(at, 'a string in backquotes cannot hold a backquote');
    }
    sink.text(char, at);
    at += 1;
  }
  return sink.finish(end);
}

/** Writes a literal that `parseStringLiteral` reads back to the same value. */
export function formatStringLiteral(value: string): string {
  const escaped = value.replaceAll(/[\p{Cc}"\\]/gu, (char) => {
    if (char === '\n') return '\\n';
    if (char === '\t') return '\\t';
    if (char === '"' || char === '\\') return `\\${char}`;
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return `"${escaped}"`;
}

/** Reads the escape at `at` into `sink`; the number of code units it takes, 0 for none known. */
function readEscape(
  text: string,
  at: number,
  end: number,
  quote: string,
  sink: LiteralSink,
): number {
  if (at + 1 >= end) return 0;
  const char = text[at + 1] as string;
  const simple = char === quote ? quote : SIMPLE_ESCAPES[char];
  if (simple !== undefined) {
    sink.text(simple, at);
    return 2;
  }
  NUMERIC_ESCAPE.lastIndex = at + 1;
  const match = NUMERIC_ESCAPE.exec(text);
  if (match === null || at + 1 + match[0].length > end) return 0;
  const [, byte, short, long, octal] = match;
  const value =
    octal === undefined ? parseInt(byte ?? short ?? long ?? '', 16) : parseInt(octal, 8);
  if (byte !== undefined || octal !== undefined) {
    if (value > 0xff) return 0;
    sink.byte(value, at);
  } else {
    if (value > 0x10ffff) return 0;
    // Half a surrogate pair is no character; Go writes the replacement character for it.
    const isSurrogate = value >= 0xd800 && value <= 0xdfff;
    sink.text(isSurrogate ? '\ufffd' : String.fromCodePoint(value), at);
  }
  return 1 + match[0].length;
}

/** Gathers characters and escaped bytes; neighbouring bytes are decoded as UTF-8 together. */
class LiteralSink {
  #value = '';
  readonly #offsets: number[] = [];
  #bytes: number[] = [];
  #bytesAt = 0;
  #notUtf8At = -1;

  text(chars: string, offset: number): void {
    this.#flush();
    for (let i = 0; i < chars.length; i += 1) this.#offsets.push(offset);
    this.#value += chars;
  }

  byte(value: number, offset: number): void {
    if (this.#bytes.length === 0) this.#bytesAt = offset;
    this.#bytes.push(value);
  }

  finish(endOffset: number): Parsed<StringLiteral> {
    this.#flush();
    if (this.#notUtf8At >= 0) return faulty(this.#notUtf8At, 'these escaped bytes are not UTF-8');
    this.#offsets.push(endOffset);
    return parsed({ value: this.#value, offsets: this.#offsets });
  }

  #flush(): void {
    if (this.#bytes.length === 0) return;
    const bytes = Uint8Array.from(this.#bytes);
    this.#bytes = [];
    try {
      this.text(utf8.decode(bytes), this.#bytesAt);
    } catch {
      if (this.#notUtf8At < 0) this.#notUtf8At = this.#bytesAt;
    }
  }
}
