import { JetStreamStream } from './jetstream-stream.ts';
import type { StreamConfig, StreamMessage } from './jetstream-stream.ts';
import { matchesSubject } from './nats-parser.ts';
import { EPOCH_MS } from './scheduler.ts';

const PREFIX = '$JS.API.';

/** Watches what the streams do: the ledger of a schedule. */
export interface StreamWatcher {
  onStored(stream: string, message: StreamMessage): void;
  onPurged(stream: string, messages: readonly StreamMessage[]): void;
  /** JetStream has lost messages that it had acknowledged. */
  onLost(stream: string, messages: readonly StreamMessage[]): void;
}

/** The streams of the simulated JetStream, which outlive its server, and the requests about them. */
export class JetStreamApi {
  readonly streams = new Map<string, JetStreamStream>();
  readonly #watcher: StreamWatcher;

  constructor(watcher: StreamWatcher) {
    this.#watcher = watcher;
  }

  /** Power fails: some lanes lose what they got last. */
  loseNewest(isLost: (stream: string) => boolean, count: number): void {
    for (const [name, stream] of this.streams) {
      if (isLost(name)) this.#watcher.onLost(name, stream.loseNewest(count));
    }
  }

  capturing(subject: string): JetStreamStream | undefined {
    for (const stream of this.streams.values()) if (stream.captures(subject)) return stream;
    return undefined;
  }

  /** @returns the acknowledgement as it travels, and whether the stream has a new message */
  publish(
    stream: JetStreamStream,
    subject: string,
    data: Buffer,
    headers: ReadonlyMap<string, string>,
    nowMs: number,
  ): { answer: object; isNew: boolean } {
    const { name } = stream.config;
    const before = stream.lastSeq;
    const accepted = stream.publish(subject, data, headers, nowMs);
    if ('code' in accepted) {
      return { answer: { stream: name, seq: 0, ...failed(accepted) }, isNew: false };
    }
    const { seq, isDuplicate } = accepted;
    const isNew = stream.lastSeq > before;
    if (isNew) this.#watcher.onStored(name, stream.messages.get(seq)!);
    return { answer: { stream: name, seq, ...(isDuplicate ? { duplicate: true } : {}) }, isNew };
  }

  /** Answers a request about streams; undefined if it is about something else. */
  answer(subject: string, data: Buffer, nowMs: number): object | undefined {
    const [area, verb, ...rest] = subject.slice(PREFIX.length).split('.');
    if (area !== 'STREAM') return undefined;
    const given = (data.length === 0 ? {} : JSON.parse(data.toString())) as Record<string, never>;
    if (verb === 'NAMES') {
      const names = [...this.streams.keys()].toSorted();
      const type = 'io.nats.jetstream.api.v1.stream_names_response';
      return { type, total: names.length, offset: 0, limit: 1024, streams: names };
    }
    if (verb === 'MSG' && rest[0] === 'GET') return this.#message(rest[1]!, given);
    const name = rest[0]!;
    if (verb === 'CREATE') return this.#create(given as unknown as StreamConfig, nowMs);
    const stream = this.streams.get(name);
    if (stream === undefined) return notFound;
    switch (verb) {
      case 'UPDATE':
        stream.config = given as unknown as StreamConfig;
        return info(stream);
      case 'INFO':
        return info(stream, given['subjects_filter']);
      case 'PURGE': {
        const purged = stream.purge(given['seq'], given['filter']);
        this.#watcher.onPurged(name, purged);
        return { success: true, purged: purged.length };
      }
      default:
        throw new Error(`the simulated JetStream does not know ${subject}`);
    }
  }

  #create(config: StreamConfig, nowMs: number): object {
    let stream = this.streams.get(config.name);
    if (stream === undefined) {
      stream = new JetStreamStream(config, nowMs);
      this.streams.set(config.name, stream);
    }
    return info(stream);
  }

  #message(name: string, query: { seq?: number; last_by_subj?: string }): object {
    const stream = this.streams.get(name);
    if (stream === undefined) return notFound;
    const found =
      query.seq === undefined ? stream.lastOf(query.last_by_subj!) : stream.messages.get(query.seq);
    if (found === undefined) {
      return failed({ status: 404, code: 10037, description: 'no message found' });
    }
    const { seq, subject, data, timeMs } = found;
    return {
      message: { subject, seq, data: data.toString('base64'), time: timeText(timeMs) },
    };
  }
}

function info(stream: JetStreamStream, subjectsFilter?: string): object {
  const subjects: Record<string, number> = {};
  if (subjectsFilter !== undefined) {
    for (const { subject } of stream.messages.values()) {
      if (matchesSubject(subjectsFilter, subject)) subjects[subject] = (subjects[subject] ?? 0) + 1;
    }
  }
  return {
    config: stream.config,
    created: timeText(stream.createdMs),
    state: {
      messages: stream.messages.size,
      bytes: stream.bytes,
      first_seq: stream.firstSeq,
      last_seq: stream.lastSeq,
      consumer_count: 0,
      ...(subjectsFilter === undefined ? {} : { subjects }),
    },
  };
}

function timeText(simulatedMs: number): string {
  return new Date(EPOCH_MS + simulatedMs).toISOString();
}

export function failed(error: { status: number; code: number; description: string }): object {
  const { status, code, description } = error;
  return { error: { code: status, err_code: code, description } };
}

const notFound = failed({ status: 404, code: 10059, description: 'stream not found' });
