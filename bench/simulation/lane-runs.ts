/** A row of `lane_runs`, as it is inserted. */
export interface RunRow {
  readonly lane: string;
  readonly stream_id: number;
  readonly epoch: number;
  readonly number: number;
  readonly run: string;
  readonly from_seq: number;
  readonly to_seq: number;
  readonly to_stored_ms: number;
  readonly hides: readonly string[];
  readonly writer: string;
}

/** What the view of this name says. Of closings that are in neither set all is stored for good. */
export interface Closings {
  readonly open: ReadonlySet<bigint>;
  readonly hidden: ReadonlySet<bigint>;
}

/** An epoch of a stream as its newest row has it, and the highest epoch of the stream that has begun its run. */
interface EpochRow {
  readonly newest: RunRow;
  readonly head: number;
}

/** What ReplacingMergeTree may do at any time: of equal keys only the newest version stays. */
export function mergeRuns(rows: readonly RunRow[]): RunRow[] {
  const newest = new Map<string, RunRow>();
  for (const row of rows) {
    const key = `${row.lane} ${row.stream_id} ${row.epoch}`;
    const other = newest.get(key);
    if (other === undefined || row.number >= other.number) newest.set(key, row);
  }
  return [...newest.values()];
}

/** The view `closings`. */
export function closingsOf(rows: readonly RunRow[]): Closings {
  const open = new Set<bigint>();
  const hidden = new Set<bigint>();
  for (const { newest, head } of epochsOf(rows)) {
    const { epoch, number, run, hides } = newest;
    if (epoch === head) {
      for (const closing of twoFrom(run, number)) open.add(closing);
      for (const closing of hides) hidden.add(BigInt(closing));
    } else if (epoch > head) {
      for (const closing of twoFrom(run, 1)) hidden.add(closing);
    }
  }
  return { open, hidden };
}

/** Closings that somebody has open, as the sweep of `samples_recent` sees it. */
export function closingsInUse(rows: readonly RunRow[]): Set<bigint> {
  const used = epochsOf(rows).filter(({ newest, head }) => newest.epoch >= head);
  return new Set(used.flatMap(({ newest: { run, number } }) => twoFrom(run, Math.max(number, 1))));
}

function epochsOf(rows: readonly RunRow[]): EpochRow[] {
  const streams = Map.groupBy(mergeRuns(rows), (row) => `${row.lane} ${row.stream_id}`);
  return [...streams.values()].flatMap((epochs) => {
    const begun = epochs.filter(({ number }) => number > 0);
    const head = Math.max(0, ...begun.map(({ epoch }) => epoch));
    return epochs.map((newest) => ({ newest, head }));
  });
}

function twoFrom(run: string, number: number): bigint[] {
  return [BigInt(run) + BigInt(number), BigInt(run) + BigInt(number + 1)];
}
