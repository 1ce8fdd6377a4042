const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;

const MAX_SAFE = Number.MAX_SAFE_INTEGER;
/** Powers of ten that a double holds exactly: dividing by one rounds once, hence correctly. */
const POWERS_OF_TEN = Array.from({ length: 23 }, (_, power) => 10 ** power);
/** Longer than any number a kernel prints; more digits than this are not a number. */
const NUMBER_BYTES_MAX = 400;
const HEX_DIGITS_MAX = 16;
/** The rest of a longer line is found by `indexOf` instead of a loop. */
const SHORT_LINE_BYTES = 64;
const EXCERPT_BYTES_MAX = 80;

/**
 * A cursor over the bytes of a kernel file. Words are separated by spaces and tabs and end with
 * their line; everything else, including control bytes, belongs to a word. Nothing here allocates
 * unless it returns a string, and nothing moves past the end of a line except `nextLine`.
 */
export class ByteScanner {
  /** The file is in `bytes[0, end)`; what follows is left over from earlier files. */
  bytes: Buffer;
  end = 0;
  pos = 0;
  /** The bounds of the word that was read last. */
  wordStart = 0;
  wordEnd = 0;

  constructor(capacityBytes = 16 * 1024) {
    this.bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  get atEnd(): boolean {
    return this.pos >= this.end;
  }

  get atLineEnd(): boolean {
    return this.pos >= this.end || this.bytes[this.pos] === NEWLINE;
  }

  rewind(): void {
    this.pos = 0;
  }

  /** Moves to the first byte of the next line, or to the end. */
  nextLine(): void {
    this.pos = Math.min(this.#lineEnd() + 1, this.end);
  }

  skipSpaces(): void {
    const { bytes, end } = this;
    let pos = this.pos;
    while (pos < end && (bytes[pos] === SPACE || bytes[pos] === TAB)) pos++;
    this.pos = pos;
  }

  /** Reads the next word of the line; false if there is none. */
  word(): boolean {
    return this.wordUntil(SPACE);
  }

  /** Reads a word that ends at a blank or before the byte `stop`; false if it is empty. */
  wordUntil(stop: number): boolean {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    this.wordStart = pos;
    while (pos < end) {
      const byte = bytes[pos]!;
      if (byte === stop || byte === SPACE || byte === NEWLINE || byte === TAB) break;
      pos++;
    }
    this.wordEnd = pos;
    this.pos = pos;
    return pos > this.wordStart;
  }

  /** Takes the rest of the line as one word, without the blanks around it; false if empty. */
  lineAsWord(): boolean {
    this.skipSpaces();
    const { bytes } = this;
    let end = this.#lineEnd();
    this.wordStart = this.pos;
    this.pos = end;
    while (end > this.wordStart && (bytes[end - 1] === SPACE || bytes[end - 1] === TAB)) end--;
    this.wordEnd = end;
    return end > this.wordStart;
  }

  /** Steps over one given byte; false if another one is next. */
  skipByte(byte: number): boolean {
    if (this.pos >= this.end || this.bytes[this.pos] !== byte) return false;
    this.pos++;
    return true;
  }

  /** Whether the last word consists of exactly these bytes. */
  wordIs(expected: Uint8Array): boolean {
    const length = this.wordEnd - this.wordStart;
    if (length !== expected.length) return false;
    if (length > SHORT_LINE_BYTES) {
      return this.bytes.compare(expected, 0, length, this.wordStart, this.wordEnd) === 0;
    }
    for (let i = 0; i < length; i++) {
      if (this.bytes[this.wordStart + i] !== expected[i]) return false;
    }
    return true;
  }

  /** Moves behind the first occurrence of `needle` in the rest of the line; false if none. */
  seekInLine(needle: Uint8Array): boolean {
    const { bytes } = this;
    const last = this.#lineEnd() - needle.length;
    for (let pos = this.pos; pos <= last; pos++) {
      let matched = 0;
      while (matched < needle.length && bytes[pos + matched] === needle[matched]) matched++;
      if (matched === needle.length) {
        this.pos = pos + matched;
        return true;
      }
    }
    return false;
  }

  /**
   * Reads a decimal number, signed or not, with or without a fraction, that fills a word. Exact
   * for integers up to 2^53 and correctly rounded otherwise. NaN, and no move past the blanks,
   * if the next word is not such a number or is larger than a double can be.
   */
  number(): number {
    this.skipSpaces();
    const { bytes, end } = this;
    const start = this.pos;
    let pos = start;
    const negative = bytes[pos] === MINUS;
    if (pos < end && (negative || bytes[pos] === PLUS)) pos++;
    let mantissa = 0;
    let digits = 0;
    let decimals = 0;
    let seenDot = false;
    for (; pos < end; pos++) {
      const byte = bytes[pos]!;
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digits++;
        if (seenDot) decimals++;
      } else if (byte === DOT && !seenDot) {
        seenDot = true;
      } else if (byte === SPACE || byte === NEWLINE || byte === TAB) {
        break;
      } else {
        return NaN;
      }
    }
    if (digits === 0) return NaN;
    if (mantissa > MAX_SAFE || decimals >= POWERS_OF_TEN.length) {
      return this.#longNumber(start, pos);
    }
    this.pos = pos;
    const value = decimals === 0 ? mantissa : mantissa / POWERS_OF_TEN[decimals]!;
    return negative ? 0 - value : value;
  }

  /** Reads up to 16 hexadecimal digits, whatever follows; NaN if there are none or more. */
  hex(): number {
    this.skipSpaces();
    const { bytes, end } = this;
    let pos = this.pos;
    let value = 0;
    for (; pos < end; pos++) {
      const digit = hexDigit(bytes[pos]!);
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    const digits = pos - this.pos;
    if (digits === 0 || digits > HEX_DIGITS_MAX) return NaN;
    this.pos = pos;
    return value;
  }

  /**
   * Reads the decimal numbers of the rest of the line into `into`, at most as many as fit or
   * `max`. Returns how many there were, or -1 if one of the words read is not a number.
   */
  numbers(into: Float64Array, max = into.length): number {
    let count = 0;
    for (; count < max; count++) {
      this.skipSpaces();
      if (this.atLineEnd) break;
      const value = this.number();
      if (Number.isNaN(value)) return -1;
      into[count] = value;
    }
    return count;
  }

  /** As `numbers`, for words of hexadecimal digits. */
  hexNumbers(into: Float64Array, max = into.length): number {
    let count = 0;
    for (; count < max; count++) {
      this.skipSpaces();
      if (this.atLineEnd) break;
      const value = this.hex();
      if (Number.isNaN(value) || !this.#atBlank()) return -1;
      into[count] = value;
    }
    return count;
  }

  /** The last word as a string. */
  wordText(): string {
    return this.bytes.toString('utf8', this.wordStart, this.wordEnd);
  }

  /** The last word as a string of one character a byte: equal strings mean equal bytes. */
  wordKey(): string {
    return this.bytes.toString('latin1', this.wordStart, this.wordEnd);
  }

  /** A copy of the last word's bytes. */
  wordBytes(): Uint8Array {
    return Uint8Array.from(this.bytes.subarray(this.wordStart, this.wordEnd));
  }

  /** The line that the cursor is in, cut to a length that fits a log line. */
  lineExcerpt(): string {
    const last = Math.min(this.pos, this.end);
    const start = last === 0 ? 0 : this.bytes.lastIndexOf(NEWLINE, last - 1) + 1;
    const end = Math.min(this.#lineEnd(), start + EXCERPT_BYTES_MAX);
    return this.bytes.toString('utf8', start, end);
  }

  #atBlank(): boolean {
    if (this.atLineEnd) return true;
    const byte = this.bytes[this.pos];
    return byte === SPACE || byte === TAB;
  }

  /** Where the newline that ends the current line is, or the end. */
  #lineEnd(): number {
    const { bytes, end } = this;
    const near = Math.min(this.pos + SHORT_LINE_BYTES, end);
    let pos = this.pos;
    while (pos < near && bytes[pos] !== NEWLINE) pos++;
    if (pos < near || near === end) return pos;
    const found = bytes.indexOf(NEWLINE, pos);
    return found === -1 || found > end ? end : found;
  }

  #longNumber(start: number, end: number): number {
    if (end - start > NUMBER_BYTES_MAX) return NaN;
    const value = Number(this.bytes.toString('latin1', start, end));
    if (!Number.isFinite(value)) return NaN;
    this.pos = end;
    return value;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
