const DECIMAL = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;
const NOT_A_NUMBER = /^nan$/i;
/** Powers of ten that Go writes with an exponent: above this and below the other. */
const PLAIN_POWER_MAX = 5;
const PLAIN_POWER_MIN = -4;

/** A number as Go's strconv.ParseFloat reads it, without hexadecimal ones; null if it is none. */
export function parseNumber(text: string): number | null {
  if (DECIMAL.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : null;
  }
  const sign = INFINITE.exec(text)?.[1];
  if (sign !== undefined) return sign === '-' ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(text) ? NaN : null;
}

/** A number as Go's strconv.FormatFloat(value, 'g', -1, 64) writes it, so that labels agree. */
export function goNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [digits, exponent] = value.toExponential().split('e');
  const power = Number(exponent);
  if (power >= PLAIN_POWER_MIN && power <= PLAIN_POWER_MAX) return String(value);
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
