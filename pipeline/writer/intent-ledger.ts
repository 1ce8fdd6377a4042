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
}

/**
 * The position of each lane, kept where the samples are. An intent is written before its insert, so the
 * newest one may or may not have been carried out and everything below it surely was. A
 * successor carries the newest intent out again, verbatim: the tokens make that harmless.
 */
export class IntentLedger {
  readonly #store: Store;
  readonly #stream: LaneStream;
  readonly #epoch: number;
  readonly #writer: string;

  constructor(store: Store, stream: LaneStream, epoch: number, writer: string) {
    this.#store = store;
    this.#stream = stream;
    this.#epoch = epoch;
    this.#writer = writer;
  }

  /** A claim or a closed intent may be followed by one that begins alike: the longer one is newer. */
  /**
   * Takes the lane over: reads the newest intent and writes it again under our epoch, after which a
   * predecessor can write none. One that slipped in between is seen by looking again.
   *
   * @param firstSeq where a lane begins that nobody has written yet
   * @returns the intent to carry out again; empty if there is none
   */
  async claim(firstSeq: number): Promise<Intent> {
    let claimed: Intent | undefined;
    for (;;) {
      const newest = (await this.newest()) ?? { fromSeq: firstSeq, toSeq: firstSeq - 1 };
      if (claimed?.fromSeq === newest.fromSeq && claimed.toSeq === newest.toSeq) return claimed;
      await this.write(newest);
      claimed = newest;
    }
  }

  async newest(): Promise<Intent | undefined> {
    const [row] = await this.#store.rows<{ from_seq: string; to_seq: string }>(
      `SELECT from_seq, to_seq FROM intents
       WHERE lane = {lane:String} AND stream_id = {stream:UInt64}
       ORDER BY to_seq DESC, from_seq DESC LIMIT 1`,
      this.#parameters,
    );
    return row === undefined
      ? undefined
      : { fromSeq: Number(row.from_seq), toSeq: Number(row.to_seq) };
  }

  /**
   * Writes an intent, unless a writer with a higher epoch has written one.
   *
   * @throws RollcallError `fenced`
   */
  async write({ fromSeq, toSeq }: Intent): Promise<void> {
    const written = await this.#store.run(
      `INSERT INTO intents (lane, stream_id, from_seq, to_seq, epoch, writer)
       SELECT {lane:String}, {stream:UInt64}, {from:UInt64}, {to:UInt64}, {epoch:UInt64},
              {writer:String}
       WHERE (SELECT max(epoch) FROM intents
              WHERE lane = {lane:String} AND stream_id = {stream:UInt64}) <= {epoch:UInt64}`,
      { ...this.#parameters, from: fromSeq, to: toSeq, epoch: this.#epoch, writer: this.#writer },
    );
    if (written !== 1) {
      throw new RollcallError('fenced', `lane ${this.#stream.lane} has a newer writer`);
    }
  }

  /** Names an insert: equal for equal content, and nothing else ever has it. */
  token({ fromSeq, toSeq }: Intent, partition: string): string {
    const { lane, streamId } = this.#stream;
    return `${lane}:${streamId}:${fromSeq}-${toSeq}:${partition}`;
  }

  get #parameters(): { lane: string; stream: number } {
    return { lane: this.#stream.lane, stream: this.#stream.streamId };
  }
}
