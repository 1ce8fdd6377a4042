const wordLengthMax = 64;

/**
 * The candidate that a mistyped word was probably meant to be, if one is near enough: case, `-`
 * and `_` do not count, and one slip is allowed in every four letters (at least one from three
 * letters on).
 */
export function nearestWord(word: string, candidates: Iterable<string>): string | undefined {
  const typed = bare(word);
  if (typed.length > wordLengthMax) return undefined;
  let nearest: string | undefined;
  let slips = (typed.length < 3 ? 0 : Math.max(1, Math.floor(typed.length / 4))) + 1;
  for (const candidate of candidates) {
    const distance = slipsBetween(typed, bare(candidate));
    if (distance < slips) {
      slips = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

/** The word as far as it matters for telling words apart. */
export function bare(word: string): string {
  return word.replace(/[-_]/g, '').toLowerCase();
}

/**
 * Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the
 * other: the optimal string alignment distance, row by row.
 */
function slipsBetween(from: string, to: string): number {
  let before: number[] = [];
  let above = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped =
        row > 1 &&
        column > 1 &&
        from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      current.push(
        Math.min(
          above[column]! + 1,
          current[column - 1]! + 1,
          above[column - 1]! + (same ? 0 : 1),
          swapped ? before[column - 2]! + 1 : Infinity,
        ),
      );
    }
    before = above;
    above = current;
  }
  return above[to.length]!;
}
