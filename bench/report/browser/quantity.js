/*
 * Quantities as the page writes them. One of the modules that `page.ts` puts into the page.
 */

/** Each unit's base and the suffixes of its powers. Milliseconds stop at seconds. */
const UNITS = {
  count: { base: 1000, suffixes: ['', 'k', 'M', 'G', 'T'] },
  bytes: { base: 1024, suffixes: [' B', ' KiB', ' MiB', ' GiB', ' TiB'] },
  milliseconds: { base: 1000, suffixes: [' ms', ' s'] },
  cores: { base: 1000, suffixes: [''] },
};

/** The power of its unit's base in which a value is written. */
function powerOf(unit, value) {
  const { base, suffixes } = UNITS[unit];
  let power = 0;
  // 999.5 would be rounded to 1000.
  while (power < suffixes.length - 1 && Math.abs(value) >= (base - 0.5) * base ** power) power += 1;
  return power;
}

/** A value in three digits: `1.25M`, `812 ms`, `20.1 MiB`. */
export function quantity(unit, value) {
  if (value === null || value === undefined) return '–';
  if (unit === 'seconds') return clock(value);
  const { base, suffixes } = UNITS[unit];
  const power = powerOf(unit, value);
  const scaled = value / base ** power;
  const size = Math.abs(scaled);
  const isWhole = power === 0 && Number.isInteger(scaled);
  return (isWhole ? String(scaled) : scaled.toFixed(decimals(size))) + suffixes[power];
}

function decimals(size) {
  if (size >= 99.95) return 0;
  if (size >= 9.995) return 1;
  return size >= 0.0995 ? 2 : 3;
}

/** The labels of an axis, all in one power of the unit: `0`, `500k`, `1,000k`. */
export function axisLabels(unit, values) {
  if (unit === 'seconds') return values.map(clock);
  const { base, suffixes } = UNITS[unit];
  const power = powerOf(unit, Math.max(0, ...values.map(Math.abs)));
  return values.map((value) => {
    if (value === 0) return '0';
    // Sums of increments such as 0.1 are not exact.
    const scaled = Number((value / base ** power).toPrecision(6));
    return scaled.toLocaleString('en-US', { maximumFractionDigits: 6 }) + suffixes[power];
  });
}

/** The labels of a logarithmic axis, each in a power of its own. */
export function logarithmicLabels(unit, values) {
  return values.map((value) => axisLabels(unit, [value])[0]);
}

/** Where the lines of a logarithmic axis are: 0 and powers of the unit's base or of 10, up to `max`. */
export function logarithmicSplits(unit, from, max) {
  const step = unit === 'bytes' ? 32 : 10;
  const splits = [0];
  for (let value = from; value <= max; value *= step) splits.push(value);
  return splits;
}

/** Distances between the lines of an axis that read well. */
export function increments(unit) {
  if (unit === 'bytes') return Array.from({ length: 50 }, (_, power) => 2 ** power);
  if (unit === 'seconds') {
    return [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400];
  }
  const smallest = unit === 'cores' || unit === 'milliseconds' ? -2 : 0;
  return Array.from({ length: 18 }, (_, i) => smallest + i).flatMap((power) =>
    [1, 2, 5].map((digit) => Number(`${digit}e${power}`)),
  );
}

/** `-30 s`, `1:30`, `1:00:00` */
function clock(seconds) {
  const sign = seconds < 0 ? '−' : '';
  const total = Math.abs(Math.round(seconds));
  if (total < 60) return `${sign}${total} s`;
  const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return sign + shown.map((part, i) => (i === 0 ? part : String(part).padStart(2, '0'))).join(':');
}
