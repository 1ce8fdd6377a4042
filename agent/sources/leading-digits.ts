import type { ByteScanner } from './byte-scanner.ts';

const ZERO = 0x30;

/** Reads a whole number that something else may follow directly; NaN if there is none. */
export function leadingDigits(scan: ByteScanner): number {
  const { bytes, end, pos: start } = scan;
  let pos = start;
  let value = 0;
  for (; pos < end; pos++) {
    const digit = bytes[pos]! - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  scan.pos = pos;
  return pos > start && Number.isSafeInteger(value) ? value : NaN;
}
