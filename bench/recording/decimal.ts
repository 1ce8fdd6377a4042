/**
 * How the numbers of a series are whole numbers in disguise, every bit of them:
 *
 * - `quotient`: `mantissa / 10^scale`;
 * - `product`: `mantissa * 10^-scale`, of who multiplies (374388 ms are 374.38800000000003 s then);
 * - `twice`: `mantissa / 1000 / 1000`, of who goes from µs over ms to s.
 */
export interface Decimal {
  readonly form: 'quotient' | 'product' | 'twice';
  readonly scale: number;
}

/** `value = mantissa * factor / divisor / second`; what is not needed is 1. */
export interface Factors {
  readonly factor: number;
  readonly divisor: number;
  readonly second: number;
}

export const SCALE_MAX = 12;
/** The difference of two of them, doubled, is exact too. */
export const MANTISSA_MAX = 2 ** 51;

const TWICE: Decimal = { form: 'twice', scale: 6 };
const CANDIDATES: readonly Decimal[] = Array.from({ length: SCALE_MAX + 1 }, (_, scale) => [
  { form: 'quotient', scale } as const,
  ...(scale === 0 ? [] : [{ form: 'product', scale } as const]),
  ...(scale === TWICE.scale ? [TWICE] : []),
]).flat();

export function factorsOf({ form, scale }: Decimal): Factors {
  const power = Number(`1e${scale}`);
  if (form === 'quotient') return { factor: 1, divisor: power, second: 1 };
  if (form === 'product') return { factor: Number(`1e-${scale}`), divisor: 1, second: 1 };
  return { factor: 1, divisor: 1000, second: 1000 };
}

/** The first form with the smallest scale that fits all values to the last bit, or undefined. */
export function decimalOf(values: Iterable<number>): Decimal | undefined {
  const all = [...values];
  return CANDIDATES.find((decimal) => {
    const factors = factorsOf(decimal);
    return all.every((value) => isExact(value, mantissaOf(value, decimal), factors));
  });
}

/** The whole number behind a value; `valueOf` gives the value back if `decimalOf` found the decimal. */
export function mantissaOf(value: number, { scale }: Decimal): number {
  // Not -0, which is no whole number that a varint could tell from 0.
  return Math.round(value * Number(`1e${scale}`)) + 0;
}

export function valueOf(mantissa: number, { factor, divisor, second }: Factors): number {
  return (mantissa * factor) / divisor / second;
}

function isExact(value: number, mantissa: number, factors: Factors): boolean {
  return Math.abs(mantissa) <= MANTISSA_MAX && Object.is(valueOf(mantissa, factors), value);
}
