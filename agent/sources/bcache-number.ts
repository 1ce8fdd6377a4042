import type { ByteScanner } from './byte-scanner.ts';
import { leadingDigits } from './leading-digits.ts';

const MINUS = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const UNITS = Buffer.from('kMGTPEZY');
/** What the digit behind the dot is divided by, for want of a better one. */
const FRACTION_DIVISOR = 10.24;

/**
 * A number as bch_hprint() in the kernel's drivers/md/bcache/util.c writes it for people: `512` or
 * `954.7M`, in powers of 1024. NaN if it is another word.
 */
export function bcacheNumber(scan: ByteScanner): number {
  if (!scan.wordUntil(SLASH)) return NaN;
  const { wordEnd } = scan;
  scan.pos = scan.wordStart;
  const sign = scan.skipByte(MINUS) ? -1 : 1;
  let value = leadingDigits(scan);
  if (scan.skipByte(DOT)) value += leadingDigits(scan) / FRACTION_DIVISOR;
  let multiplier = 1;
  if (scan.pos === wordEnd - 1) {
    multiplier = 1024 ** (UNITS.indexOf(scan.bytes[scan.pos]!) + 1);
    scan.pos++;
    if (multiplier === 1) return NaN;
  }
  return scan.pos === wordEnd ? sign * Math.trunc(value * multiplier) : NaN;
}

/** Finds one of the lines `target: 36.7G` of `writeback_rate_debug`. */
export function rateOf(key: string): (scan: ByteScanner) => number {
  const name = Buffer.from(`${key}:`);
  return (scan) => {
    for (; !scan.atEnd; scan.nextLine()) {
      if (scan.word() && scan.wordIs(name)) return bcacheNumber(scan);
    }
    return NaN;
  };
}
