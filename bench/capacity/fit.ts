/** One measured value and what it is a sum of: `value ≈ Σ row[i] * coefficient[i]`. */
export interface Point {
  readonly row: readonly number[];
  readonly value: number;
}

/**
 * Coefficients of 0 or more that come closest to the values by least squares of the relative errors: nothing costs less
 * than nothing, and small runs count as much as large ones. Every choice of columns is tried; there are three at most.
 */
export function fitted(points: readonly Point[]): number[] {
  const columns = points[0]?.row.length ?? 0;
  let best = { error: Infinity, coefficients: Array.from({ length: columns }, () => 0) };
  for (let choice = 1; choice < 2 ** columns; choice += 1) {
    const chosen = Array.from({ length: columns }, (_, i) => i).filter((i) => choice & (1 << i));
    const solution = solved(points, chosen);
    if (solution === undefined || solution.some((each) => each < 0)) continue;
    const coefficients = Array.from(
      { length: columns },
      (_, i) => solution[chosen.indexOf(i)] ?? 0,
    );
    const error = errorOf(points, coefficients);
    if (error < best.error - 1e-12) best = { error, coefficients };
  }
  return best.coefficients;
}

function errorOf(points: readonly Point[], coefficients: readonly number[]): number {
  return points.reduce((sum, { row, value }) => {
    const told = row.reduce((total, each, i) => total + each * coefficients[i]!, 0);
    return sum + ((told - value) * weightOf(value)) ** 2;
  }, 0);
}

const weightOf = (value: number): number => (value === 0 ? 1 : 1 / Math.abs(value));

/** The normal equations of the chosen columns; undefined if they do not tell the columns apart. */
function solved(points: readonly Point[], chosen: readonly number[]): number[] | undefined {
  const rows = points.map(({ row, value }) => {
    const weight = weightOf(value);
    return { row: chosen.map((i) => row[i]! * weight), value: value * weight };
  });
  // A column's size must not decide whether it can be told apart.
  const scale = chosen.map((_, i) => Math.hypot(...rows.map(({ row }) => row[i]!)) || 1);
  const matrix = chosen.map((_, i) => [
    ...chosen.map((_each, j) =>
      sumOf(rows, ({ row }) => (row[i]! * row[j]!) / scale[i]! / scale[j]!),
    ),
    sumOf(rows, ({ row, value }) => (row[i]! * value) / scale[i]!),
  ]);
  return eliminated(matrix)?.map((each, i) => each / scale[i]!);
}

function sumOf<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((sum, value) => sum + of(value), 0);
}

/** Gauss and Jordan; each row of the matrix ends with its right side. */
function eliminated(matrix: number[][]): number[] | undefined {
  const size = matrix.length;
  for (let i = 0; i < size; i += 1) {
    const below = matrix.slice(i).toSorted((a, b) => Math.abs(b[i]!) - Math.abs(a[i]!));
    matrix.splice(i, size - i, ...below);
    const pivot = matrix[i]!;
    if (Math.abs(pivot[i]!) < 1e-9) return undefined;
    for (const row of matrix) {
      if (row === pivot) continue;
      const factor = row[i]! / pivot[i]!;
      for (let j = i; j <= size; j += 1) row[j]! -= factor * pivot[j]!;
    }
  }
  return matrix.map((row, i) => row[size]! / row[i]!);
}
