import { createHash } from 'node:crypto';
import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';

/** The identity of a lane's stream: a stream that was deleted and made again begins anew. */
export interface LaneStream {
  readonly lane: string;
  readonly streamId: number;
}

/** How far a stream has been carried into ClickHouse for good. */
export interface Position {
  /** All messages below it. */
  readonly fromSeq: number;
  /** And of those up to this one, some. `fromSeq - 1` or more. */
  readonly toSeq: number;
  /** When JetStream took the message `toSeq`, ms; left out if that is not known. */
  readonly toStoredMs?: number | undefined;
}

interface RunRow {
  readonly epoch: string;
  readonly number: string;
  readonly run: string;
  readonly from_seq: string;
  readonly to_seq: string;
  readonly to_stored_ms: string;
  readonly hides: readonly string[];
}

/** How far apart the identities of a stream that was cut back can be; streams are not made that fast. */
const IDENTITIES_MAX = 100;
/** How long a look at the ledger counts: an insert may begin that much after another has the lane, ms. */
const TRUSTED_MS = 5000;
/** Epochs of a stream that are looked at: those since the last one that began a run. */
const EPOCHS_MAX = 1000;
/**
 * Closings that are left out. Of older ones nobody can be inserting any more: their rows are deleted, and what
 * was not stored for good has been swept away.
 */
const HIDDEN_MAX = 256;
const HIDDEN_FROM = ['frames', 'series_minutes'];
/** A run numbers its closings from 1 in the bits below its own. */
const NUMBER_BITS = 24n;

/**
 * The position of each lane, kept where the samples are, and what of the rows there counts.
 *
 * Every row that a writer inserts names a closing of its run. Two closings are open at a time; committing one
 * is writing one row here, which says up to where the stream is carried over, and which closings are open now.
 * A successor reads the stream from the committed position, inserts all of it under a run of its own, and then
 * begins that run: its first row takes the place of the predecessor's last one, in the same instant. What the
 * predecessor had inserted for closings that it did not commit is hidden from then on, whenever it arrives.
 *
 * Nothing here is atomic but a row, so both sides write first and look afterwards. A writer goes on after a row
 * only if it then sees no higher epoch; a successor reads the newest row only after its own epoch is there
 * to be seen. So what it reads is what the stream may have been trimmed to.
 */
export class RunLedger {
  readonly #store: Store;
  readonly #stream: LaneStream;
  readonly #epoch: number;
  readonly #writer: string;
  readonly #run: bigint;
  /** Of the closing that is committed next. */
  #number = 1;
  #isBegun = false;
  #hides: readonly bigint[] = [];
  /** When we last asked whether the lane is ours, and it was; by the monotonic clock. */
  #heldMs = -Infinity;

  constructor(store: Store, stream: LaneStream, epoch: number, writer: string) {
    this.#store = store;
    this.#stream = stream;
    this.#epoch = epoch;
    this.#writer = writer;
    this.#run = runOf(stream, epoch);
  }

  /** The closing that is committed next. */
  get closing(): bigint {
    return this.#run + BigInt(this.#number);
  }

  /** Whether queries show what is in our open closings. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Closings whose rows are to be left out: what they hold is inserted again, or has been. */
  get hides(): readonly bigint[] {
    return this.#hides;
  }

  /**
   * Takes the lane over. From then on a predecessor commits nothing that we do not know of.
   *
   * @param firstSeq where a lane begins that nobody has written yet
   * @throws RollcallError `fenced`; `clickhouse_failed`: may be called again
   */
  async claim(firstSeq: number): Promise<Position> {
    await this.#insert({ fromSeq: 0, toSeq: 0 }, 0);
    await this.#mustHold();
    const rows = await newestRuns(this.#store, this.#stream, this.#epoch);
    const at = rows.findIndex(({ number }) => number !== '0');
    const before = rows[at];
    const unbegun = at < 0 ? rows : rows.slice(0, at);
    const hides = unbegun.flatMap(({ epoch }) => openOf(runOf(this.#stream, Number(epoch)), 1));
    if (before !== undefined) {
      const { run, number } = before;
      hides.push(...openOf(BigInt(run), Number(number)), ...before.hides.map(BigInt));
      // The stream ended under us and is the same: our own open closings are given up as well.
      if (Number(before.epoch) === this.#epoch) this.#number = Number(number) + 2;
    }
    const own = new Set(openOf(this.#run, this.#number));
    const others = hides.filter((closing) => !own.has(closing));
    await this.#delete(others.slice(HIDDEN_MAX));
    this.#hides = others.slice(0, HIDDEN_MAX);
    if (before === undefined) return { fromSeq: firstSeq, toSeq: firstSeq - 1 };
    return positionOf(before);
  }

  /**
   * Begins the run: from now on queries show our open closings, and not our predecessor's. May be repeated
   * when it fails.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async begin(position: Position): Promise<void> {
    await this.#insert(position, this.#number);
    await this.#mustHold();
    this.#isBegun = true;
  }

  /**
   * Commits the closing `closing`: everything up to the position is in it or in one before. May be repeated
   * when it fails.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async commit(position: Position): Promise<void> {
    await this.#insert(position, this.#number + 1);
    await this.#mustHold();
    this.#isBegun = true;
    this.#number += 1;
  }

  /**
   * To be awaited right before each attempt of an insert. Whoever was held up since it last looked (stopped,
   * swapped out, waiting for the database) looks again: what it inserts is hidden, but not for ever.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async confirm(): Promise<void> {
    if (this.#isTrusted()) return;
    await this.#mustHold();
    if (this.#isTrusted()) return;
    const { lane } = this.#stream;
    const reason = `it took longer than ${TRUSTED_MS} ms to ask who writes lane ${lane}`;
    throw new RollcallError('clickhouse_failed', reason, { retryable: true });
  }

  /** What nobody hides from now on must not be there. */
  async #delete(closings: readonly bigint[]): Promise<void> {
    if (closings.length === 0) return;
    for (const table of HIDDEN_FROM) {
      await this.#store.run(`DELETE FROM ${table} WHERE has({closings:Array(UInt64)}, closing)`, {
        closings,
      });
    }
  }

  async #insert(position: Position, number: number): Promise<void> {
    await this.#store.insertRows('lane_runs', [
      {
        lane: this.#stream.lane,
        stream_id: this.#stream.streamId,
        epoch: this.#epoch,
        number,
        run: this.#run.toString(),
        from_seq: position.fromSeq,
        to_seq: position.toSeq,
        to_stored_ms: position.toStoredMs ?? 0,
        hides: number === 0 ? [] : this.#hides.map(String),
        writer: this.#writer,
      },
    ]);
  }

  #isTrusted(): boolean {
    return performance.now() - this.#heldMs <= TRUSTED_MS;
  }

  /** What we have just written is there; the question is whether something higher is too. */
  async #mustHold(): Promise<void> {
    // The answer may lie around for long before we see it.
    const askedMs = performance.now();
    const { lane, streamId } = this.#stream;
    const [row] = await this.#store.rows<{ epoch: string }>(
      `SELECT max(epoch) AS epoch FROM lane_runs
       WHERE lane = {lane:String} AND stream_id = {stream:UInt64}`,
      { lane, stream: streamId },
    );
    const newest = Number(row!.epoch);
    if (newest === this.#epoch) {
      this.#heldMs = askedMs;
      return;
    }
    if (newest > this.#epoch) throw new RollcallError('fenced', `lane ${lane} has a newer writer`);
    throw new RollcallError('clickhouse_failed', `the run of lane ${lane} is not to be seen`, {
      retryable: true,
    });
  }
}

/**
 * A lane's stream is known by the time of its creation, ms. One that lost its newest messages, as a server
 * may that loses power, counts on from there with numbers that the ledger has used: it gets the next
 * identity, which is found here.
 */
export async function newestIdentity(
  store: Store,
  lane: string,
  createdMs: number,
): Promise<number> {
  const [row] = await store.rows<{ id: string }>(
    `SELECT max(stream_id) AS id FROM lane_runs
     WHERE lane = {lane:String} AND stream_id >= {created:UInt64}
       AND stream_id < {created:UInt64} + {identities:UInt64}`,
    { lane, created: createdMs, identities: IDENTITIES_MAX },
  );
  return Math.max(createdMs, Number(row!.id));
}

/** Everything in the stream below the answer is in ClickHouse for good; 0 if nobody has written it. */
export async function storedBelow(store: Store, stream: LaneStream): Promise<number> {
  const rows = await newestRuns(store, stream, Number.MAX_SAFE_INTEGER);
  const begun = rows.find(({ number }) => number !== '0');
  return begun === undefined ? 0 : positionOf(begun).fromSeq;
}

/** The newest row of each epoch up to the given one, the highest epoch first. */
function newestRuns(
  store: Store,
  { lane, streamId }: LaneStream,
  epoch: number,
): Promise<RunRow[]> {
  return store.rows<RunRow>(
    `SELECT epoch, number, run, from_seq, to_seq, to_stored_ms, hides FROM lane_runs
     WHERE lane = {lane:String} AND stream_id = {stream:UInt64} AND epoch <= {epoch:UInt64}
     ORDER BY epoch DESC, number DESC LIMIT 1 BY epoch LIMIT {epochs:UInt32}`,
    { lane, stream: streamId, epoch, epochs: EPOCHS_MAX },
  );
}

function positionOf(row: RunRow): Position {
  return {
    fromSeq: Number(row.from_seq),
    toSeq: Number(row.to_seq),
    toStoredMs: row.to_stored_ms === '0' ? undefined : Number(row.to_stored_ms),
  };
}

/** The closings that a run has open when `number` is committed next. */
function openOf(run: bigint, number: number): bigint[] {
  return [run + BigInt(number), run + BigInt(number + 1)];
}

/** Names a run: 40 bits that tell it from other runs, and room for the numbers of its closings. */
function runOf({ lane, streamId }: LaneStream, epoch: number): bigint {
  const digest = createHash('sha256').update(`${lane} ${streamId} ${epoch}`).digest();
  return (digest.readBigUInt64LE(0) >> NUMBER_BITS) << NUMBER_BITS;
}
