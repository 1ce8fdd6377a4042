import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiError,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import type {
  JetStreamClient,
  JetStreamManager,
  StoredMsg,
  StreamConfig,
  StreamInfo,
} from '@nats-io/jetstream';
import {
  AuthorizationError,
  headers,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node';
import type { MsgHdrs, NatsConnection } from '@nats-io/transport-node';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Backoff } from '../dial/backoff.ts';
import { retry } from '../dial/retry.ts';
import { reasonOf, RollcallError } from '../error.ts';
import { connectPatiently } from './nats-connection.ts';
import { Topology } from './topology.ts';
import type { Lane, StreamSpec, TopologyOptions } from './topology.ts';

export interface BusOptions extends TopologyOptions {
  readonly servers: readonly string[];
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  readonly credsFile?: string | undefined;
  readonly tlsCaFile?: string | undefined;
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
  readonly duplicateWindowMs: number;
  readonly replicas: number;
  /** Shows up in the NATS server's list of connections. */
  readonly name: string;
  readonly log: Logger;
}

/** JetStream's error codes that callers act on. Source: nats-server's errors.json. */
const WRONG_LAST_SEQUENCE = 10071;
const STREAM_NOT_FOUND = 10059;
const REPLICAS_NOT_SUPPORTED = 10074;
/** Times of one message differ by less: nanoseconds are rounded and cut in more than one way. No server restarts that fast. */
const SAME_MS = 5;
const NO_MESSAGE_FOUND = 10037;

const REQUEST_TIMEOUT_MS = 5000;

export type { StreamInfo };

export interface Value {
  readonly seq: number;
  readonly data: Uint8Array;
}

export interface PublishOptions {
  /** The newest message of the subject has this sequence; 0: there is none. */
  readonly lastSeq?: number;
  /** A message with an id that the stream has is not stored again. */
  readonly id?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The connection to NATS. It reconnects for ever by itself; calls made meanwhile fail as retryable, and
 * nothing is buffered behind the caller's back.
 */
export class Bus {
  readonly topology: Topology;
  readonly log: Logger;
  readonly js: JetStreamClient;
  readonly #nc: NatsConnection;
  readonly #jsm: JetStreamManager;
  readonly #options: BusOptions;
  readonly #onReconnect = new Set<() => void>();
  #isConnected = true;
  #isRefused = false;
  /** Ends what was begun after the latest reconnect. */
  #ensuring = new AbortController();

  private constructor(nc: NatsConnection, jsm: JetStreamManager, options: BusOptions) {
    this.#nc = nc;
    this.#jsm = jsm;
    this.js = jetstream(nc, { timeout: REQUEST_TIMEOUT_MS });
    this.#options = options;
    this.topology = new Topology(options);
    this.log = options.log;
    void this.#followStatus();
  }

  /**
   * Connects, waiting as long as it takes for a server to be there, and creates the fleet's streams.
   *
   * @throws RollcallError `nats_refused` when a server answers but does not let us in
   */
  static async connect(options: BusOptions, signal?: AbortSignal): Promise<Bus> {
    const nc = await connectPatiently(options, signal);
    const jsm = await jetstreamManager(nc, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });
    const bus = new Bus(nc, jsm, options);
    await bus.#retrying('create streams', () => bus.ensureStreams(), signal);
    return bus;
  }

  /** Resolves when the connection has ended for good, with the reason if nobody has closed it. */
  get closed(): Promise<unknown> {
    return this.#nc.closed();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Largest message the server takes, bytes. */
  get payloadBytesMax(): number {
    return this.#nc.info?.max_payload ?? 1024 * 1024;
  }

  get manager(): JetStreamManager {
    return this.#jsm;
  }

  get connection(): NatsConnection {
    return this.#nc;
  }

  /** Calls back after each reconnect; returns how to stop that. */
  onReconnect(callback: () => void): () => void {
    this.#onReconnect.add(callback);
    return () => this.#onReconnect.delete(callback);
  }

  /** Creates the streams that are missing; widens or narrows the limits of those that exist. */
  async ensureStreams(): Promise<void> {
    for (const spec of this.topology.streams()) await this.#ensureStream(spec);
  }

  async streamInfo(stream: string): Promise<StreamInfo> {
    this.#mustBeConnected();
    return this.#jsm.streams.info(stream);
  }

  /** Undefined if there is no such stream. */
  async findStream(stream: string): Promise<StreamInfo | undefined> {
    this.#mustBeConnected();
    try {
      return await this.#jsm.streams.info(stream);
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Names of all of this fleet's streams, of every generation of lanes. */
  async streamNames(): Promise<string[]> {
    this.#mustBeConnected();
    const names: string[] = [];
    for await (const name of this.#jsm.streams.names()) {
      if (name.startsWith(`${this.topology.fleet}_`)) names.push(name);
    }
    return names;
  }

  /** The lanes that exist, of every generation: older ones are drained before they go. */
  async lanes(): Promise<{ lane: Lane; index: number; count: number }[]> {
    const found: { lane: Lane; index: number; count: number }[] = [];
    for (const name of await this.streamNames()) {
      const lane = this.topology.laneOfStream(name);
      if (lane === undefined) continue;
      const [count, index] = lane.id.split('x').map(Number);
      found.push({ lane, index: index!, count: count! });
    }
    return found;
  }

  /** The subjects of a stream that match a pattern and have messages. */
  async subjects(stream: string, pattern: string): Promise<string[]> {
    this.#mustBeConnected();
    const info = await this.#jsm.streams.info(stream, { subjects_filter: pattern });
    return Object.keys(info.state.subjects ?? {});
  }

  /** The newest message of a subject, or undefined. */
  async last(stream: string, subject: string): Promise<Value | undefined> {
    this.#mustBeConnected();
    try {
      const found: StoredMsg | null = await this.#jsm.streams.getMessage(stream, {
        last_by_subj: subject,
      });
      return found === null ? undefined : { seq: found.seq, data: found.data };
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_MESSAGE_FOUND) return undefined;
      throw error;
    }
  }

  /**
   * Publishes and waits for JetStream's acknowledgement.
   *
   * With `lastSeq` it is a compare-and-set: it succeeds only if the newest message of the subject has
   * that sequence (0: there is none).
   *
   * @returns the message's sequence in its stream
   * @throws RollcallError `stale` when the compare-and-set lost
   */
  async publish(subject: string, data: Uint8Array, options: PublishOptions = {}): Promise<number> {
    this.#mustBeConnected();
    try {
      const ack = await this.js.publish(subject, data, {
        timeout: REQUEST_TIMEOUT_MS,
        retries: 0,
        ...(options.id === undefined ? {} : { msgID: options.id }),
        ...(options.headers === undefined ? {} : { headers: headersOf(options.headers) }),
        ...(options.lastSeq === undefined
          ? {}
          : { expect: { lastSubjectSequence: options.lastSeq } }),
      });
      return ack.seq;
    } catch (cause) {
      if (cause instanceof JetStreamApiError && cause.code === WRONG_LAST_SEQUENCE) {
        throw new RollcallError('stale', `somebody else wrote ${subject} first`, { cause });
      }
      throw new RollcallError('publish_failed', `${subject}: ${reasonOf(cause)}`, {
        cause,
        retryable: true,
      });
    }
  }

  /** Deletes every message of the stream below `seq`, or of one subject of it. */
  async trim(stream: string, seq: number, subject?: string): Promise<number> {
    this.#mustBeConnected();
    const { purged } = await this.#jsm.streams.purge(stream, {
      seq,
      ...(subject === undefined ? {} : { filter: subject }),
    });
    return purged;
  }

  /** When a message was published, ms; undefined if there is none with that sequence. */
  async publishedAtMs(stream: string, seq: number): Promise<number | undefined> {
    this.#mustBeConnected();
    try {
      const message = await this.#jsm.streams.getMessage(stream, { seq });
      return message === null ? undefined : message.time.getTime();
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_MESSAGE_FOUND) return undefined;
      throw error;
    }
  }

  /**
   * Whether a message is the one that was taken at a time somebody remembers, or another one to which the server, having
   * lost the first, has given its number. One that is not there any more, or was not yet, passes for the same.
   */
  async isSame(stream: string, seq: number, storedMs: number | undefined): Promise<boolean> {
    if (storedMs === undefined || seq < 1) return true;
    const foundMs = await this.publishedAtMs(stream, seq);
    return foundMs === undefined || Math.abs(foundMs - storedMs) <= SAME_MS;
  }

  async close(): Promise<void> {
    this.#isConnected = false;
    this.#ensuring.abort();
    await this.#nc.close();
  }

  #mustBeConnected(): void {
    if (!this.#isConnected) {
      throw new RollcallError('nats_disconnected', 'there is no connection to NATS', {
        retryable: true,
      });
    }
  }

  async #ensureStream(spec: StreamSpec): Promise<void> {
    const config = this.#streamConfig(spec);
    // Looked up first: a server that is nearly full refuses to add even what it has.
    const known = await this.findStream(spec.name);
    if (known !== undefined) {
      // An update for nothing is not without effect: nats-server 2.9 then tells another time of creation.
      if (!isAs(known.config, config)) await this.#jsm.streams.update(spec.name, config);
    } else await this.#jsm.streams.add({ ...config, ...FIXED });
  }

  #streamConfig(spec: StreamSpec): Partial<StreamConfig> & { name: string } {
    return {
      name: spec.name,
      subjects: [...spec.subjects],
      description: spec.description,
      max_bytes: spec.bytesMax,
      discard: DiscardPolicy.New,
      num_replicas: this.#options.replicas,
      duplicate_window: this.#options.duplicateWindowMs * 1e6,
      ...(spec.isCompacted ? { max_msgs_per_subject: 1 } : {}),
    };
  }

  async #followStatus(): Promise<void> {
    for await (const status of this.#nc.status()) {
      // After refusals the client says either once for each of them.
      if (status.type === 'disconnect' && this.#isConnected) {
        this.#isConnected = false;
        this.#ensuring.abort();
        this.log.warn({ server: status.server }, 'NATS is gone; reconnecting');
      } else if (status.type === 'reconnect' && !this.#isConnected) {
        this.#isConnected = true;
        this.#isRefused = false;
        this.log.info({ server: status.server }, 'NATS is back');
        for (const callback of this.#onReconnect) callback();
        void this.#ensureAgain();
      } else if (status.type === 'error') this.#onError(status.error);
    }
  }

  /** NATS may have come back without its data. */
  async #ensureAgain(): Promise<void> {
    this.#ensuring.abort();
    this.#ensuring = new AbortController();
    const { signal } = this.#ensuring;
    const options = {
      signal,
      pauseMsMin: 100,
      pauseMsMax: 5000,
      onRetry: (error: unknown) => {
        this.log.warn({ reason: reasonOf(error) }, 'cannot create the streams yet; trying again');
      },
    };
    await retry(() => this.ensureStreams(), options).catch(() => undefined);
  }

  #onError(error: Error): void {
    const isRefusal =
      error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
    if (!isRefusal || this.#isRefused) return;
    this.#isRefused = true;
    this.log.error(
      { reason: error.message },
      'NATS does not let us in any more: renew the credentials; trying again for ever',
    );
  }

  async #retrying(what: string, attempt: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const backoff = new Backoff(100, 2000);
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof JetStreamApiError && isFinal(error)) {
          throw new RollcallError('nats_refused', `NATS: cannot ${what}: ${reasonOf(error)}`, {
            cause: error,
          });
        }
        this.log.warn({ reason: reasonOf(error) }, `cannot ${what} yet; trying again`);
        await sleep(backoff.nextMs(), undefined, signal === undefined ? {} : { signal });
      }
    }
  }
}

function headersOf(given: Readonly<Record<string, string>>): MsgHdrs {
  const made = headers();
  for (const [name, value] of Object.entries(given)) made.set(name, value);
  return made;
}

function isAs(known: StreamConfig, wanted: Partial<StreamConfig>): boolean {
  const keys = Object.keys(wanted) as (keyof StreamConfig)[];
  return keys.every((key) => JSON.stringify(known[key]) === JSON.stringify(wanted[key]));
}

/** Whether asking again cannot help: somebody has to change a setting. */
function isFinal({ code, status }: JetStreamApiError): boolean {
  return status < 500 || code === REPLICAS_NOT_SUPPORTED;
}

const FIXED = { retention: RetentionPolicy.Limits, storage: StorageType.File } as const;
export const ACK_NONE = AckPolicy.None;
