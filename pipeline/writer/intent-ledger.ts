import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';

/** The identity of a lane's stream: a stream that was deleted and made again begins anew. */
export interface LaneStream {
  readonly lane: string;
  readonly streamId: number;
}

/** What a writer is inserting, or, if `toSeq < fromSeq`, that it inserts nothing at present. */
export interface Intent {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** When JetStream took the message `toSeq`, ms; left out if that is not known. */
  readonly toStoredMs?: number;
  /** Catalogues that the writer did not know: their frames are not in the insert. */
  readonly unknownCatalogues?: readonly bigint[];
}

interface IntentRow {
  readonly from_seq: string;
  readonly to_seq: string;
  readonly to_stored_ms: string;
  readonly unknown_catalogues: readonly string[];
}

/** How far apart the identities of a stream that was cut back can be; streams are not made that fast. */
const IDENTITIES_MAX = 100;
/** How long a look at the ledger counts: an insert may begin that much after another has the lane, ms. */
const TRUSTED_MS = 5000;

/**
 * The position of each lane, kept where the samples are. An intent is written before its insert, so the
 * newest one may or may not have been carried out and everything below it surely was. A
 * successor carries the newest intent out again, verbatim: the tokens make that harmless.
 *
 * Nothing here is atomic, so both sides write first and look afterwards. A writer acts upon its
 * intent only if it then sees no higher epoch; a successor reads the newest intent only after its own
 * epoch is there to be seen. So it cannot miss an intent that somebody acts upon. One that arrives
 * later, from a writer that was held up, nobody acts upon, and the higher epoch outranks it.
 *
 * An epoch belongs to one ledger: whoever starts again needs a higher one.
 */
export class IntentLedger {
  readonly #store: Store;
  readonly #stream: LaneStream;
  readonly #epoch: number;
  readonly #writer: string;
  /** When we last asked whether the lane is ours, and it was; by the monotonic clock. */
  #heldMs = -Infinity;

  constructor(store: Store, stream: LaneStream, epoch: number, writer: string) {
    this.#store = store;
    this.#stream = stream;
    this.#epoch = epoch;
    this.#writer = writer;
  }

  /**
   * Takes the lane over. From then on a predecessor acts upon no further intent; an insert of its that is
   * under way is the one we are told to carry out again.
   *
   * @param firstSeq where a lane begins that nobody has written yet
   * @returns the intent to carry out again; empty if there is none
   * @throws RollcallError `fenced`; `clickhouse_failed`: may be called again
   */
  async claim(firstSeq: number): Promise<Intent> {
    await this.#insert({ fromSeq: 0, toSeq: 0 });
    await this.#mustHold();
    const newest = (await this.newest()) ?? { fromSeq: firstSeq, toSeq: firstSeq - 1 };
    await this.write(newest);
    return newest;
  }

  /** The newest intent of our epoch or a lower one. */
  newest(): Promise<Intent | undefined> {
    return newestIntent(this.#store, this.#stream, this.#epoch);
  }

  /**
   * Writes an intent; when that has succeeded it may be acted upon. Each intent lies behind the one
   * before: neither of its numbers is lower, and one is higher. May be repeated when it fails.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async write(intent: Intent): Promise<void> {
    await this.#insert(intent);
    await this.#mustHold();
  }

  /**
   * To be awaited right before each attempt of an insert. Whoever was held up since it last looked (stopped,
   * swapped out, waiting for the database) looks again: by now a successor may have carried the insert out, and
   * ClickHouse remembers only so many tokens.
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

  /**
   * Names an insert: equal for equal content, and nothing else ever has it.
   *
   * @param digest of the messages that are inserted
   */
  token({ fromSeq, toSeq }: Intent, partition: string, digest: string): string {
    const { lane, streamId } = this.#stream;
    return `${lane}:${streamId}:${fromSeq}-${toSeq}:${digest}:${partition}`;
  }

  async #insert({ fromSeq, toSeq, toStoredMs = 0, unknownCatalogues = [] }: Intent): Promise<void> {
    await this.#store.insertRows('lane_intents', [
      {
        lane: this.#stream.lane,
        stream_id: this.#stream.streamId,
        epoch: this.#epoch,
        from_seq: fromSeq,
        to_seq: toSeq,
        to_stored_ms: toStoredMs,
        unknown_catalogues: unknownCatalogues.map(String),
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
    const [row] = await this.#store.rows<{ epoch: string }>(
      `SELECT max(epoch) AS epoch FROM lane_intents
       WHERE lane = {lane:String} AND stream_id = {stream:UInt64}`,
      this.#parameters,
    );
    const newest = Number(row!.epoch);
    if (newest === this.#epoch) {
      this.#heldMs = askedMs;
      return;
    }
    const { lane } = this.#stream;
    if (newest > this.#epoch) throw new RollcallError('fenced', `lane ${lane} has a newer writer`);
    throw new RollcallError('clickhouse_failed', `the intent of lane ${lane} is not to be seen`, {
      retryable: true,
    });
  }

  get #parameters(): { lane: string; stream: number } {
    return { lane: this.#stream.lane, stream: this.#stream.streamId };
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
    `SELECT max(stream_id) AS id FROM lane_intents
     WHERE lane = {lane:String} AND stream_id >= {created:UInt64}
       AND stream_id < {created:UInt64} + {identities:UInt64}`,
    { lane, created: createdMs, identities: IDENTITIES_MAX },
  );
  return Math.max(createdMs, Number(row!.id));
}

/** Everything in the stream below the answer is surely in ClickHouse; 0 if nobody has written it. */
export async function storedBelow(store: Store, stream: LaneStream): Promise<number> {
  const newest = await newestIntent(store, stream, Number.MAX_SAFE_INTEGER);
  return newest?.fromSeq ?? 0;
}

/** The newest intent of an epoch up to the given one. */
async function newestIntent(
  store: Store,
  { lane, streamId }: LaneStream,
  epoch: number,
): Promise<Intent | undefined> {
  const [row] = await store.rows<IntentRow>(
    `SELECT from_seq, to_seq, to_stored_ms, unknown_catalogues FROM lane_intents
     WHERE lane = {lane:String} AND stream_id = {stream:UInt64} AND epoch <= {epoch:UInt64}
       AND from_seq > 0
     ORDER BY epoch DESC, version DESC LIMIT 1`,
    { lane, stream: streamId, epoch },
  );
  if (row === undefined) return undefined;
  const unknownCatalogues = row.unknown_catalogues.map(BigInt);
  return {
    fromSeq: Number(row.from_seq),
    toSeq: Number(row.to_seq),
    ...(row.to_stored_ms === '0' ? {} : { toStoredMs: Number(row.to_stored_ms) }),
    ...(unknownCatalogues.length === 0 ? {} : { unknownCatalogues }),
  };
}
