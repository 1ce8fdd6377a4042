import { JetStreamConsumer } from './jetstream-consumer.ts';
import type { ConsumerConfig, PullRequest } from './jetstream-consumer.ts';
import { failed } from './jetstream-api.ts';
import type { JetStreamApi } from './jetstream-api.ts';
import type { JetStreamStream } from './jetstream-stream.ts';
import { NatsConnection } from './nats-connection.ts';
import type { Publish, Subscription } from './nats-connection.ts';
import { matchesSubject } from './nats-parser.ts';
import { EPOCH_MS } from './scheduler.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export const NATS_PORT = 4222;

const EMPTY = Buffer.alloc(0);
const PRESENCE = /^\w+\.alive\./;
/** The stream of claims. */
const STATE_STREAM = /_state$/;

/**
 * One run of the simulated nats-server: speaks the client protocol over simulated sockets, so that the
 * product's own NATS client runs against it. Streams are the `JetStreamApi`'s and stay when it dies;
 * connections and consumers go.
 */
export class NatsServer {
  readonly #scheduler: Scheduler;
  readonly #process: SimulatedProcess;
  readonly #api: JetStreamApi;
  readonly #connections = new Set<NatsConnection>();
  /** Subscriptions by subject; those with wildcards apart. */
  readonly #exact = new Map<string, Set<Subscription>>();
  readonly #wild = new Set<Subscription>();
  readonly #consumers = new Map<string, JetStreamConsumer>();
  readonly #unheard: ReadonlySet<string>;
  #nextConsumer = 1;

  /**
   * @param unheard processes that are cut off in part, as may happen in a cluster: nobody hears that they are
   *   there, and they do not hear who claims what; all else is as ever
   */
  constructor(
    scheduler: Scheduler,
    process: SimulatedProcess,
    api: JetStreamApi,
    unheard: ReadonlySet<string> = new Set(),
  ) {
    this.#scheduler = scheduler;
    this.#process = process;
    this.#api = api;
    this.#unheard = unheard;
  }

  /** Begins to serve; to be called in an event of the process. */
  listen(network: SimulatedNetwork): void {
    for (const stream of this.#api.streams.values()) stream.reload();
    const listener = network.createListener((socket) => {
      this.#connections.add(
        new NatsConnection(socket, {
          onPublish: (connection, publish) => this.#onPublish(connection, publish),
          onSubscribe: (subscription) => this.#subscribe(subscription),
          onUnsubscribe: (subscription) => this.#unsubscribe(subscription),
          onClose: (connection) => this.#onClose(connection),
        }),
      );
    });
    listener.listen({ port: NATS_PORT });
  }

  #subscribe(subscription: Subscription): void {
    const { subject } = subscription;
    if (/[*>]/.test(subject)) {
      this.#wild.add(subscription);
      return;
    }
    const same = this.#exact.get(subject);
    if (same === undefined) this.#exact.set(subject, new Set([subscription]));
    else same.add(subscription);
  }

  #unsubscribe(subscription: Subscription): void {
    this.#wild.delete(subscription);
    const same = this.#exact.get(subscription.subject);
    same?.delete(subscription);
    if (same?.size === 0) this.#exact.delete(subscription.subject);
  }

  #onClose(connection: NatsConnection): void {
    this.#connections.delete(connection);
    for (const subscription of connection.subscriptions.values()) this.#unsubscribe(subscription);
  }

  #subscribersOf(subject: string): Subscription[] {
    const found = [...(this.#exact.get(subject) ?? [])];
    for (const one of this.#wild) if (matchesSubject(one.subject, subject)) found.push(one);
    return found;
  }

  /** Hands a message to who subscribes; false if nobody does. */
  #route(subject: string, reply: string, data: Uint8Array, status?: string, shown = subject) {
    const subscribers = this.#subscribersOf(subject);
    for (const subscription of subscribers) {
      const { connection, sid } = subscription;
      connection.send(sid, shown, reply, data, status);
      subscription.left -= 1;
      if (subscription.left > 0) continue;
      connection.subscriptions.delete(sid);
      this.#unsubscribe(subscription);
    }
    return subscribers.length > 0;
  }

  #onPublish(from: NatsConnection, publish: Publish): void {
    const { subject, reply, headers, data } = publish;
    if (subject.startsWith('$JS.API.')) return this.#onApi(publish);
    if (PRESENCE.test(subject) && this.#isUnheard(from)) return;
    const stream = this.#api.capturing(subject);
    const isHeard = this.#route(subject, reply, data);
    if (stream !== undefined) {
      const { nowMs } = this.#scheduler;
      const { answer, isNew } = this.#api.publish(stream, subject, data, headers, nowMs);
      this.#scheduler.note(`nats: publish ${subject} ${JSON.stringify(answer)}`);
      if (reply !== '') this.#answer(reply, answer);
      if (isNew) this.#onStored(stream);
    } else if (!isHeard && reply !== '') {
      this.#route(reply, '', EMPTY, '503');
    }
  }

  #answer(reply: string, answer: object): void {
    this.#route(reply, '', Buffer.from(JSON.stringify(answer)));
  }

  #onApi({ subject, reply, data }: Publish): void {
    const answer = this.#api.answer(subject, data, this.#scheduler.nowMs);
    if (answer !== undefined) return this.#answer(reply, answer);
    const [verb, ...rest] = subject.slice('$JS.API.CONSUMER.'.length).split('.');
    if (verb === 'MSG') return this.#onPull(rest[2]!, reply, data);
    const [stream, name] = rest;
    if (verb === 'CREATE') this.#createConsumer(stream!, reply, data);
    else if (verb === 'INFO') this.#answer(reply, this.#consumerInfo(name!));
    else throw new Error(`the simulated JetStream does not know ${subject}`);
  }

  #createConsumer(streamName: string, reply: string, data: Buffer): void {
    const stream = this.#api.streams.get(streamName);
    if (stream === undefined) {
      const error = { status: 404, code: 10059, description: 'stream not found' };
      return this.#answer(reply, failed(error));
    }
    const { config } = JSON.parse(data.toString()) as { config: ConsumerConfig };
    const name = `c${this.#nextConsumer}`;
    this.#nextConsumer += 1;
    const { nowMs } = this.#scheduler;
    this.#consumers.set(name, new JetStreamConsumer(name, stream, config, nowMs));
    this.#answer(reply, this.#consumerInfo(name));
  }

  #consumerInfo(name: string): object {
    const consumer = this.#liveConsumer(name);
    if (consumer === undefined) {
      return failed({ status: 404, code: 10014, description: 'consumer not found' });
    }
    const { stream, config, pending } = consumer;
    return { stream_name: stream.config.name, name, config, num_pending: pending };
  }

  #liveConsumer(name: string): JetStreamConsumer | undefined {
    const consumer = this.#consumers.get(name);
    if (consumer === undefined) return undefined;
    consumer.requests = consumer.requests.filter(({ inbox }) => this.#exact.has(inbox));
    if (!consumer.isGone(this.#scheduler.nowMs)) return consumer;
    this.#consumers.delete(name);
    return undefined;
  }

  #onPull(name: string, inbox: string, data: Buffer): void {
    const consumer = this.#liveConsumer(name);
    if (consumer === undefined) {
      this.#route(inbox, '', EMPTY, '503');
      return;
    }
    const asked = JSON.parse(data.toString()) as Record<string, number>;
    const { nowMs } = this.#scheduler;
    const request: PullRequest = {
      inbox,
      left: asked['batch'] ?? 1,
      bytesLeft: asked['max_bytes'] ?? 0,
      isBounded: (asked['max_bytes'] ?? 0) > 0,
      isOver: false,
      lastSentMs: nowMs,
    };
    consumer.activeMs = nowMs;
    consumer.requests.push(request);
    this.#later((asked['expires'] ?? 30e9) / 1e6, () => {
      this.#end(consumer, request, '408 Request Timeout');
    });
    this.#beat(consumer, request, (asked['idle_heartbeat'] ?? 0) / 1e6);
    this.#feed(consumer);
  }

  #beat(consumer: JetStreamConsumer, request: PullRequest, everyMs: number): void {
    if (everyMs <= 0) return;
    const idleMs = this.#scheduler.nowMs - request.lastSentMs;
    this.#later(Math.max(1, everyMs - idleMs), () => {
      if (request.isOver) return;
      if (this.#scheduler.nowMs - request.lastSentMs >= everyMs) {
        request.lastSentMs = this.#scheduler.nowMs;
        const isReached = this.#reaches(consumer, request.inbox);
        if (isReached) this.#route(request.inbox, '', EMPTY, '100 Idle Heartbeat');
      }
      this.#beat(consumer, request, everyMs);
    });
  }

  #later(delayMs: number, run: () => void): void {
    this.#scheduler.after(delayMs, this.#process, 'server timer', run);
  }

  #end(consumer: JetStreamConsumer, request: PullRequest, status?: string): void {
    if (request.isOver) return;
    request.isOver = true;
    const at = consumer.requests.indexOf(request);
    if (at >= 0) consumer.requests.splice(at, 1);
    consumer.activeMs = this.#scheduler.nowMs;
    if (status === undefined) return;
    const left = `\r\nNats-Pending-Messages: ${request.left}\r\nNats-Pending-Bytes: ${request.bytesLeft}`;
    this.#route(request.inbox, '', EMPTY, status + left);
  }

  #onStored(stream: JetStreamStream): void {
    for (const consumer of this.#consumers.values()) {
      if (consumer.stream === stream) this.#feed(consumer);
    }
  }

  #isUnheard({ client }: NatsConnection): boolean {
    return client !== undefined && this.#unheard.has(client);
  }

  /** Whether who waits for the consumer's messages can be reached. */
  #reaches({ stream }: JetStreamConsumer, inbox: string): boolean {
    const waiting = this.#exact.get(inbox);
    if (waiting === undefined) return false;
    if (this.#unheard.size === 0 || !STATE_STREAM.test(stream.config.name)) return true;
    return ![...waiting].some(({ connection }) => this.#isUnheard(connection));
  }

  /** Delivers what there is to who waits. */
  #feed(consumer: JetStreamConsumer): void {
    for (;;) {
      const request = consumer.requests.find(({ inbox }) => this.#reaches(consumer, inbox));
      const message = request === undefined ? undefined : consumer.peek();
      if (request === undefined || message === undefined) return;
      const bytes = message.data.length + message.subject.length + 64;
      if (request.isBounded && bytes > request.bytesLeft) {
        this.#end(consumer, request, '409 Message Size Exceeds MaxBytes');
        continue;
      }
      consumer.take(message);
      request.left -= 1;
      request.bytesLeft -= bytes;
      request.lastSentMs = this.#scheduler.nowMs;
      const { config } = consumer.stream;
      const ackSubject =
        `$JS.ACK.${config.name}.${consumer.name}.1.${message.seq}.${consumer.deliverySeq}.` +
        `${EPOCH_MS + Math.floor(message.timeMs)}000000.${consumer.pending}`;
      this.#route(request.inbox, ackSubject, message.data, undefined, message.subject);
      if (request.left === 0) this.#end(consumer, request);
    }
  }
}
