import { DeliverPolicy } from '@nats-io/jetstream';
import type { Consumer, ConsumerMessages } from '@nats-io/jetstream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../dial/backoff.ts';
import { isCode, RollcallError } from '../error.ts';
import { FailureStreak } from '../telemetry/failure-streak.ts';
import type { Bus } from './bus.ts';
import { ACK_NONE } from './bus.ts';

export interface StreamReaderOptions {
  readonly stream: string;
  /** Only messages of these subjects; may hold wildcards. */
  readonly subject?: string;
  /** The first sequence wanted; or `last_per_subject`: the current values, then what changes. */
  readonly from: number | 'last_per_subject';
  /**
   * When JetStream took the message before `from`, ms: another time there means that the server lost the newest messages
   * and gives their numbers out again.
   */
  readonly beforeStoredMs?: number | undefined;
  /** When the stream was made, if only that one will do; another of the same name is no substitute. */
  readonly createdMs?: number;
  /** Bytes asked for at once: what may wait in memory. A larger message is never delivered. */
  readonly fetchBytesMax?: number;
  /**
   * How long the server is asked to wait for messages at a time, 1 s or more, 5 s unless said otherwise. A server may forget to
   * deliver until it is asked again: so long at most are messages held up then.
   */
  readonly fetchExpiresMs?: number;
}

export interface StreamMessage {
  readonly seq: number;
  readonly subject: string;
  /** Valid until the next message is asked for; copy what must stay. */
  readonly data: Uint8Array;
  /** When JetStream took it, by the clock of its server, ms. */
  readonly storedMs: number;
  /** Messages of the stream that come after this one at present. */
  readonly pending: number;
}

const FETCH_EXPIRES_MS = 5000;
/** For readers that somebody is paged by: the shortest time that the client allows. */
export const FETCH_EXPIRES_MS_MIN = 1000;
const FETCH_BYTES_MAX = 8 * 1024 * 1024;
/** Subject, reply and headers of a message, which count as well. */
const ENVELOPE_BYTES_MAX = 4096;
/**
 * With a limit in bytes the client asks for at most this many messages, and after the last of them
 * would wait for more until it misses the server's heartbeats.
 */
const FETCH_MESSAGES_MAX = 100;
/** A reconnect, and a consumer that went with it, are nothing to speak of. */
const FAILURES_UNSAID = 3;
const CONSUMER_IDLE_NS = 30 * 1e9;

/**
 * Reads a stream in order, for ever, from a position that the caller keeps: consumers on the server are
 * throw-away. A lost connection, a lost consumer or a gap in the delivery makes a new consumer
 * after the last message that was handed over. It ends with `stream_replaced` if the stream was
 * deleted and made again, or has lost messages that we have had. (The client's own ordered consumer pauses for seconds
 * after such a loss.)
 */
export class StreamReader {
  readonly #bus: Bus;
  readonly #options: StreamReaderOptions;
  readonly #stop = new AbortController();
  readonly #reading: FailureStreak;
  #fetching: ConsumerMessages | undefined;
  #lastSeq = 0;
  #lastStoredMs: number | undefined;
  /** Where messages were left out, and asked for again. */
  #leftOut = 0;
  readonly #caughtUp = Promise.withResolvers<void>();

  constructor(bus: Bus, options: StreamReaderOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#lastStoredMs = options.beforeStoredMs;
    const log = bus.log.child({ stream: options.stream });
    const advice = 'allow CONSUMER.CREATE and CONSUMER.MSG.NEXT';
    this.#reading = new FailureStreak(log, 'read the stream', advice, FAILURES_UNSAID);
  }

  /** Resolves once everything that was there when reading began has been handed over, or is there no more. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  stop(): void {
    this.#stop.abort();
    this.#fetching?.stop();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<StreamMessage> {
    const backoff = new Backoff(50, 2000);
    const forget = this.#bus.onReconnect(() => this.#fetching?.stop(new Error('reconnected')));
    try {
      while (!this.#stop.signal.aborted) {
        try {
          const consumer = await this.#newConsumer();
          for await (const message of this.#consume(consumer)) {
            backoff.reset();
            yield message;
          }
        } catch (error) {
          if (this.#stop.signal.aborted) return;
          if (isCode(error, 'stream_replaced')) throw error;
          // Without a connection there is nothing to say that others do not say.
          if (this.#bus.isConnected) this.#reading.failed(error);
          await sleep(backoff.nextMs(), undefined, { signal: this.#stop.signal }).catch(() => {});
        }
      }
    } finally {
      forget();
    }
  }

  /** Yields from one consumer until something goes wrong. */
  async *#consume(consumer: Consumer): AsyncGenerator<StreamMessage> {
    const { fetchBytesMax, fetchExpiresMs = FETCH_EXPIRES_MS } = this.#options;
    let expected = 1;
    while (!this.#stop.signal.aborted) {
      // One that ends sooner, such as with its connection, says nothing of what is there.
      const endMs = performance.now() + fetchExpiresMs / 2;
      const largestBytes = this.#bus.payloadBytesMax + ENVELOPE_BYTES_MAX;
      this.#fetching = await consumer.fetch({
        max_bytes: fetchBytesMax ?? Math.max(FETCH_BYTES_MAX, largestBytes),
        expires: fetchExpiresMs,
      });
      // Meanwhile there was nothing yet that could be stopped.
      if (this.#stop.signal.aborted) this.#fetching.stop();
      let wanted = FETCH_MESSAGES_MAX;
      try {
        for await (const message of this.#fetching) {
          if (message.info.deliverySequence !== expected) throw new Error('delivery has a gap');
          await this.#mustFollow(message.seq);
          expected += 1;
          const storedMs = Math.floor(message.info.timestampNanos / 1e6);
          yield {
            seq: message.seq,
            subject: message.subject,
            data: message.data,
            storedMs,
            pending: message.info.pending,
          };
          this.#lastSeq = message.seq;
          this.#lastStoredMs = storedMs;
          if (message.info.pending === 0) this.#caughtUp.resolve();
          wanted -= 1;
          if (wanted === 0) break;
        }
      } catch (error) {
        // The next message did not fit into what was left of the bytes: it comes with the next fetch.
        if (wanted === FETCH_MESSAGES_MAX || !isFullFetch(error)) throw error;
      }
      this.#reading.worked();
      // The server had nothing to give: what was announced has been deleted meanwhile.
      const isEmpty = wanted === FETCH_MESSAGES_MAX && performance.now() >= endMs;
      if (isEmpty && !this.#stop.signal.aborted) this.#caughtUp.resolve();
    }
  }

  /**
   * A server that leaves messages out though it has them is asked for them once more: it was seen with
   * nats-server 2.9, where much was written and deleted at once.
   */
  async #mustFollow(seq: number): Promise<void> {
    const { stream, subject, from } = this.#options;
    if (subject !== undefined || from === 'last_per_subject') return;
    const next = Math.max(1, this.#lastSeq > 0 ? this.#lastSeq + 1 : from);
    if (seq === next || next === this.#leftOut) return;
    const { state } = await this.#bus.streamInfo(stream);
    if (state.first_seq > next) return;
    this.#leftOut = next;
    this.#bus.log.error(
      { stream, from: next, to: seq - 1 },
      'messages were left out: reading again',
    );
    throw new Error('messages were left out');
  }

  /** A stream that ends before our position was deleted and made again: ours is gone. */
  async #mustReach(startSeq: number | 'last_per_subject'): Promise<void> {
    const { stream, createdMs } = this.#options;
    if (startSeq === 'last_per_subject' && createdMs === undefined) return;
    const { state, created } = await this.#bus.streamInfo(stream);
    const { last_seq: lastSeq } = state;
    if (createdMs !== undefined && Date.parse(created) !== createdMs) {
      throw new RollcallError('stream_replaced', `${stream} was made anew at ${created}`);
    }
    if (startSeq === 'last_per_subject') return;
    if (startSeq > lastSeq + 1) {
      throw new RollcallError(
        'stream_replaced',
        `${stream} ends at ${lastSeq}, before our position ${startSeq}: it was made anew`,
      );
    }
    if (await this.#bus.isSame(stream, startSeq - 1, this.#lastStoredMs)) return;
    throw new RollcallError(
      'stream_replaced',
      `${stream} has lost its newest messages and given number ${startSeq - 1} out again`,
    );
  }

  async #newConsumer(): Promise<Consumer> {
    const { stream, subject, from } = this.#options;
    const manager = this.#bus.manager;
    const startSeq = this.#lastSeq > 0 ? this.#lastSeq + 1 : from;
    await this.#mustReach(startSeq);
    const info = await manager.consumers.add(stream, {
      ack_policy: ACK_NONE,
      mem_storage: true,
      inactive_threshold: CONSUMER_IDLE_NS,
      max_waiting: 4,
      ...(subject === undefined ? {} : { filter_subject: subject }),
      ...(startSeq === 'last_per_subject'
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: Math.max(1, startSeq) }),
    });
    if (info.num_pending === 0) this.#caughtUp.resolve();
    return this.#bus.js.consumers.get(stream, info.name);
  }
}

/** Its bytes are used up, but not by a message that is larger than all of them. */
function isFullFetch(error: unknown): boolean {
  return error instanceof Error && /message size exceeds maxbytes/i.test(error.message);
}
