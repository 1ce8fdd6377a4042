import { RETRY_AFTER_MS_MAX } from './receiver.ts';

/**
 * The pause that a `Retry-After` header asks for, ms, at most `RETRY_AFTER_MS_MAX`; undefined if
 * the header is absent or not understood. A date that has passed is 0.
 *
 * Source: RFC 9110, 10.2.3 (seconds or date) and 5.6.7 (the three forms of a date, all in GMT).
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MS_MAX);
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return undefined;
  // The form of asctime() names no zone; Date.parse would take it for local time.
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  if (Number.isNaN(atMs)) return undefined;
  return Math.min(Math.max(0, atMs - nowMs), RETRY_AFTER_MS_MAX);
}
