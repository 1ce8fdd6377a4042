import { matchesSubject } from './nats-parser.ts';

export interface StreamMessage {
  readonly seq: number;
  readonly subject: string;
  readonly data: Buffer;
  readonly id: string | undefined;
  readonly timeMs: number;
  readonly bytes: number;
}

export interface StreamConfig {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly max_bytes: number;
  readonly max_msgs_per_subject?: number;
  /** Nanoseconds. */
  readonly duplicate_window: number;
}

/** How a publish ended; an error as JetStream words it. */
export type Accepted =
  | { readonly seq: number; readonly isDuplicate: boolean }
  | { readonly status: number; readonly code: number; readonly description: string };

const HEADER_BYTES = 22;

/**
 * A JetStream stream in memory that outlives its server, as a file does: it discards new messages when
 * full, compares a subject's last sequence, and knows message ids for a while.
 */
export class JetStreamStream {
  config: StreamConfig;
  readonly createdMs: number;
  readonly messages = new Map<number, StreamMessage>();
  lastSeq = 0;
  bytes = 0;
  #firstSeq = 1;
  readonly #lastOfSubject = new Map<string, number>();
  readonly #ids = new Map<string, { seq: number; timeMs: number }>();

  constructor(config: StreamConfig, createdMs: number) {
    this.config = config;
    this.createdMs = createdMs;
  }

  /** The oldest message's sequence, or the next one's if there is none. */
  get firstSeq(): number {
    return this.messages.size === 0 ? this.lastSeq + 1 : this.#firstSeq;
  }

  captures(subject: string): boolean {
    return this.config.subjects.some((pattern) => matchesSubject(pattern, subject));
  }

  lastOf(subject: string): StreamMessage | undefined {
    const seq = this.#lastOfSubject.get(subject);
    return seq === undefined ? undefined : this.messages.get(seq);
  }

  publish(
    subject: string,
    data: Buffer,
    headers: ReadonlyMap<string, string>,
    nowMs: number,
  ): Accepted {
    const id = headers.get('Nats-Msg-Id');
    const known = id === undefined ? undefined : this.#ids.get(id);
    if (known !== undefined && nowMs - known.timeMs < this.config.duplicate_window / 1e6) {
      return { seq: known.seq, isDuplicate: true };
    }
    const expected = headers.get('Nats-Expected-Last-Subject-Sequence');
    const last = this.#lastOfSubject.get(subject) ?? 0;
    if (expected !== undefined && Number(expected) !== last) {
      return { status: 400, code: 10071, description: `wrong last sequence: ${last}` };
    }
    const bytes = HEADER_BYTES + subject.length + data.length;
    const replaces = this.config.max_msgs_per_subject === 1 && last > 0;
    if (!replaces && this.bytes + bytes > this.config.max_bytes) {
      return { status: 503, code: 10077, description: 'maximum bytes exceeded' };
    }
    if (replaces) this.#remove(last);
    this.lastSeq += 1;
    const seq = this.lastSeq;
    // The parser's buffer goes on to the next command.
    const message = { seq, subject, data: Buffer.from(data), id, timeMs: nowMs, bytes };
    if (this.messages.size === 0) this.#firstSeq = seq;
    this.messages.set(seq, message);
    this.bytes += bytes;
    this.#lastOfSubject.set(subject, seq);
    if (id !== undefined) this.#ids.set(id, { seq, timeMs: nowMs });
    return { seq, isDuplicate: false };
  }

  /** Deletes what lies below `seq` (all of it if left out), of one subject if `filter` is given. */
  purge(seq: number | undefined, filter: string | undefined): StreamMessage[] {
    const purged: StreamMessage[] = [];
    for (const message of this.messages.values()) {
      if (seq !== undefined && message.seq >= seq) break;
      if (filter !== undefined && !matchesSubject(filter, message.subject)) continue;
      purged.push(message);
    }
    for (const message of purged) this.#remove(message.seq);
    return purged;
  }

  /** The server lost power: its newest messages are gone, and their numbers are given again. */
  loseNewest(count: number): StreamMessage[] {
    const lost = [...this.messages.values()].slice(-count);
    for (const { seq } of lost) this.#remove(seq);
    this.lastSeq -= lost.length;
    this.reload();
    return lost;
  }

  /** The server began again: it knows the ids of what is still there. */
  reload(): void {
    for (const [id, { seq }] of this.#ids) if (!this.messages.has(seq)) this.#ids.delete(id);
  }

  #remove(seq: number): void {
    const message = this.messages.get(seq);
    if (message === undefined) return;
    this.messages.delete(seq);
    this.bytes -= message.bytes;
    if (this.#lastOfSubject.get(message.subject) === seq) {
      this.#lastOfSubject.delete(message.subject);
    }
    if (seq === this.#firstSeq) {
      this.#firstSeq = this.messages.keys().next().value ?? seq + 1;
    }
  }
}
