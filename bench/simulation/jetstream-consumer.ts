import { matchesSubject } from './nats-parser.ts';
import type { JetStreamStream, StreamMessage } from './jetstream-stream.ts';

export interface ConsumerConfig {
  readonly deliver_policy: string;
  readonly opt_start_seq?: number;
  readonly filter_subject?: string;
  /** Nanoseconds. */
  readonly inactive_threshold?: number;
}

/** A client asked for messages and gets them until one of its limits is reached. */
export interface PullRequest {
  readonly inbox: string;
  left: number;
  bytesLeft: number;
  readonly isBounded: boolean;
  isOver: boolean;
  lastSentMs: number;
}

/** A pull consumer without acknowledgements, kept in the server's memory only. */
export class JetStreamConsumer {
  readonly name: string;
  readonly stream: JetStreamStream;
  readonly config: ConsumerConfig;
  requests: PullRequest[] = [];
  activeMs: number;
  deliverySeq = 0;
  /** Every message of the stream from here on is to be delivered. */
  #nextSeq: number;
  /** Of `last_per_subject`: what was current when it was made and is older than that. */
  #current: number[] = [];

  constructor(name: string, stream: JetStreamStream, config: ConsumerConfig, nowMs: number) {
    this.name = name;
    this.stream = stream;
    this.config = config;
    this.activeMs = nowMs;
    if (config.deliver_policy === 'last_per_subject') {
      this.#nextSeq = stream.lastSeq + 1;
      const newest = new Map<string, number>();
      for (const { subject, seq } of stream.messages.values()) {
        if (this.#wants(subject)) newest.set(subject, seq);
      }
      this.#current = [...newest.values()].toSorted((a, b) => a - b);
    } else {
      this.#nextSeq = config.opt_start_seq ?? 1;
    }
  }

  isGone(nowMs: number): boolean {
    if (this.requests.length > 0) return false;
    return nowMs - this.activeMs > (this.config.inactive_threshold ?? 5e9) / 1e6;
  }

  get pending(): number {
    let count = this.#current.filter((seq) => this.stream.messages.has(seq)).length;
    for (const { seq, subject } of this.stream.messages.values()) {
      if (seq >= this.#nextSeq && this.#wants(subject)) count += 1;
    }
    return count;
  }

  /** The next message to deliver, without taking it. */
  peek(): StreamMessage | undefined {
    for (const seq of this.#current) {
      const message = this.stream.messages.get(seq);
      if (message !== undefined) return message;
    }
    if (this.#nextSeq > this.stream.lastSeq) return undefined;
    for (const message of this.stream.messages.values()) {
      if (message.seq >= this.#nextSeq && this.#wants(message.subject)) return message;
    }
    return undefined;
  }

  take({ seq }: StreamMessage): void {
    this.deliverySeq += 1;
    if (this.#current.includes(seq)) this.#current = this.#current.filter((one) => one > seq);
    else this.#nextSeq = seq + 1;
  }

  #wants(subject: string): boolean {
    const { filter_subject: filter } = this.config;
    return filter === undefined || matchesSubject(filter, subject);
  }
}
