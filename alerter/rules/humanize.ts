import { formatGeneral } from './go-format.ts';

const LARGE = ['', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const BINARY = ['', 'ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];
const SMALL = ['', 'm', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];

/** Nanoseconds since 1970 must fit in 64 bits: years 1678 to 2262. */
const TIMESTAMP_SECONDS_MAX = 2 ** 63 / 1e9;

/**
 * `1234567` as `1.235M`: four digits and a metric prefix.
 * @see https://prometheus.io/docs/prometheus/latest/configuration/template_reference/#numbers
 */
export function humanize(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return formatGeneral(value, 4);
  return Math.abs(value) >= 1 ? scaledDown(value, 1000, LARGE) : scaledUp(value);
}

/** `268435456` as `256Mi`: four digits and a prefix of powers of 1024. */
export function humanize1024(value: number): string {
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return formatGeneral(value, 4);
  return scaledDown(value, 1024, BINARY);
}

/** Seconds as `1d 2h 3m 4s`, or below a minute as `1.5s`, `20ms`. */
export function humanizeDuration(value: number): string {
  if (!Number.isFinite(value)) return formatGeneral(value, 4);
  const size = Math.abs(value);
  if (size === 0) return '0s';
  if (size < 1) return `${scaledUp(value)}s`;
  const sign = value < 0 ? '-' : '';
  const whole = Math.floor(size);
  const seconds = whole % 60;
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600) % 24;
  const days = Math.floor(whole / 86_400);
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  if (minutes > 0) return `${sign}${minutes}m ${seconds}s`;
  return `${sign}${formatGeneral(size, 4)}s`;
}

/** A ratio, `0.1234`, as `12.34%`. */
export function humanizePercentage(value: number): string {
  return `${formatGeneral(value * 100, 4)}%`;
}

/** Unix seconds as `2023-11-14 22:13:20.123 +0000 UTC`; undefined for years that Go cannot hold. */
export function humanizeTimestamp(value: number): string | undefined {
  if (!Number.isFinite(value)) return formatGeneral(value, 4);
  if (Math.abs(value) >= TIMESTAMP_SECONDS_MAX) return undefined;
  // By way of nanoseconds, as Go does it: the last millisecond depends on it.
  const ms = Number(BigInt(Math.trunc(value * 1e9)) / 1_000_000n);
  const [date, time = ''] = new Date(ms).toISOString().split('T');
  return `${date} ${time.replace(/\.?0*Z$/, '')} +0000 UTC`;
}

function scaledDown(value: number, step: number, prefixes: readonly string[]): string {
  let rest = value;
  let index = 0;
  while (Math.abs(rest) >= step && index < prefixes.length - 1) {
    rest /= step;
    index += 1;
  }
  return formatGeneral(rest, 4) + (prefixes[index] ?? '');
}

function scaledUp(value: number): string {
  let rest = value;
  let index = 0;
  while (Math.abs(rest) < 1 && index < SMALL.length - 1) {
    rest *= 1000;
    index += 1;
  }
  return formatGeneral(rest, 4) + (SMALL[index] ?? '');
}
