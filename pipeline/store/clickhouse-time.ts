/** The end of the year 2105: a DateTime, in which what expires is reckoned, ends soon after. */
const TIME_MS_MAX = Date.UTC(2106, 0) - 1;

/** A time for a DateTime64(3) of a row; one that the column cannot hold becomes the nearest that it can. */
export function clickhouseTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), TIME_MS_MAX)).toISOString();
}
