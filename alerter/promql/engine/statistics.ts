/** A sum that does not lose what is small (Kahan, in Neumaier's form), as Prometheus adds. */
export class KahanSum {
  #sum = 0;
  #rest = 0;

  add(value: number): void {
    const total = this.#sum + value;
    if (Math.abs(this.#sum) >= Math.abs(value)) this.#rest += this.#sum - total + value;
    else this.#rest += value - total + this.#sum;
    this.#sum = total;
  }

  /** Without what was lost. */
  get rough(): number {
    return this.#sum;
  }

  get value(): number {
    return Number.isFinite(this.#sum) ? this.#sum + this.#rest : this.#sum;
  }
}

/** The arithmetic mean as it goes along: large values do not overflow. */
export function meanOf(values: readonly number[]): number {
  const mean = new KahanSum();
  let count = 0;
  for (const value of values) {
    count += 1;
    const before = mean.rough;
    if (Math.abs(before) === Infinity) {
      if (value === before || Number.isFinite(value)) continue;
    }
    mean.add(value / count - before / count);
  }
  return mean.value;
}

/** The variance of all of them; NaN of none. */
export function varianceOf(values: readonly number[]): number {
  const mean = new KahanSum();
  const squares = new KahanSum();
  let count = 0;
  for (const value of values) {
    count += 1;
    const delta = value - mean.value;
    mean.add(delta / count);
    squares.add(delta * (value - mean.value));
  }
  return squares.value / count;
}

/** Linear between the two values that are nearest; NaN counts as the smallest. */
export function quantileOf(share: number, values: readonly number[]): number {
  if (values.length === 0 || Number.isNaN(share)) return NaN;
  if (share < 0) return -Infinity;
  if (share > 1) return Infinity;
  const sorted = values.toSorted(byValue);
  const rank = share * (sorted.length - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(sorted.length - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return sorted[lower]! * (1 - weight) + sorted[upper]! * weight;
}

/** NaN first. */
export function byValue(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a < b ? -1 : Number(a > b);
}

/** A line through points by least squares: its slope a second, and where it is at `originMs`. */
export function lineThrough(
  timesMs: readonly number[],
  values: readonly number[],
  originMs: number,
): { readonly slope: number; readonly intercept: number } {
  const first = values[0]!;
  if (values.every((value) => value === first)) {
    return Number.isFinite(first) ? { slope: 0, intercept: first } : { slope: NaN, intercept: NaN };
  }
  const [x, y, xy, xx] = [new KahanSum(), new KahanSum(), new KahanSum(), new KahanSum()];
  for (const [i, value] of values.entries()) {
    const seconds = (timesMs[i]! - originMs) / 1000;
    x.add(seconds);
    y.add(value);
    xy.add(seconds * value);
    xx.add(seconds * seconds);
  }
  const count = values.length;
  const covariance = xy.value - (x.value * y.value) / count;
  const variance = xx.value - (x.value * x.value) / count;
  const slope = covariance / variance;
  return { slope, intercept: y.value / count - (slope * x.value) / count };
}
