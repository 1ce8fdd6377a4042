import type { SyntaxNode } from '@lezer/common';
import { parseDuration } from './duration.ts';
import { faulty, parsed, shifted } from './fault.ts';
import type { Parsed } from './fault.ts';

/** Seconds without a unit, as Prometheus 3 takes them. */
const SECONDS = /^\d+(?:\.\d+)?$/;

/** The length of a range or the step of a subquery: more than 0 ms. */
export function readDuration(node: SyntaxNode | null, text: string): Parsed<number> {
  if (node === null) return faulty(0, 'a duration is missing');
  const read = readLength(node.from, text.slice(node.from, node.to));
  if (read.ok && read.value <= 0) return faulty(node.from, 'this duration must be more than 0');
  return read;
}

/** What stands behind `offset`; below 0 with a sign. */
export function readOffset(node: SyntaxNode | null, text: string): Parsed<number> {
  if (node === null) return faulty(0, 'a duration is missing');
  const [signed, sign] = /^([+-]?)\s*/.exec(text.slice(node.from, node.to)) as RegExpExecArray;
  const from = node.from + signed.length;
  const read = readLength(from, text.slice(from, node.to));
  return read.ok && sign === '-' ? parsed(-read.value) : read;
}

function readLength(from: number, source: string): Parsed<number> {
  if (SECONDS.test(source)) return parsed(Math.round(1000 * Number(source)));
  if (/[^\w.]/.test(source)) return faulty(from, 'reckoning with durations is not supported');
  const read = parseDuration(source);
  return read.ok ? read : { ok: false, faults: shifted(read.faults, from) };
}
