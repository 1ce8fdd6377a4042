/** Stands for a value that is not known. */
export const MISSING = '–';

/** `50,000` */
export function count(value: number | undefined): string {
  if (!isKnown(value)) return MISSING;
  return Math.round(value).toLocaleString('en-US');
}

/** Three digits: `0.42`, `9.50`, `20.1k`, `1.25M`. */
export function short(value: number | undefined): string {
  if (!isKnown(value)) return MISSING;
  return scaled(value, 1000, ['', 'k', 'M', 'G', 'T', 'P']);
}

/** `812 B`, `1.50 MiB` */
export function bytes(value: number | undefined): string {
  if (!isKnown(value)) return MISSING;
  return scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB', ' TiB', ' PiB']);
}

/** `0.8 s`, `42 s`, `3m 07s`, `2h 05m`, `3d 04h` */
export function duration(seconds: number | undefined): string {
  if (!isKnown(seconds)) return MISSING;
  const positive = Math.max(0, seconds);
  if (positive < 9.95) return `${positive.toFixed(1)} s`;
  return wholeDuration(Math.round(positive), `${Math.round(positive)} s`);
}

/** The time since an instant: `8s`, `3m 07s`, `2h 05m`, `3d 04h` */
export function age(sinceMs: number | undefined, nowMs: number): string {
  if (!isKnown(sinceMs)) return MISSING;
  const seconds = Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  return wholeDuration(seconds, `${seconds}s`);
}

/** Local time of day, `14:03:22`. */
export function clockTime(timeMs: number | undefined): string {
  if (!isKnown(timeMs)) return MISSING;
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return MISSING;
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(':');
}

function wholeDuration(seconds: number, belowAMinute: string): string {
  if (seconds < 60) return belowAMinute;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${twoDigits(seconds % 60)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}h ${twoDigits(minutes % 60)}m`;
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)}d ${twoDigits(hours % 24)}h`;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let rest = value;
  let unit = 0;
  // 999.5 would be rounded to 1000.
  while (Math.abs(rest) >= base - 0.5 && unit < units.length - 1) {
    rest /= base;
    unit += 1;
  }
  const isWhole = unit === 0 && Number.isInteger(rest);
  return `${isWhole ? rest : rest.toFixed(decimals(rest))}${units[unit]}`;
}

function decimals(value: number): number {
  if (Math.abs(value) < 9.995) return 2;
  return Math.abs(value) < 99.95 ? 1 : 0;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

function isKnown(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}
