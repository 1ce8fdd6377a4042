import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import { retry } from '../dial/retry.ts';
import { reasonOf, RollcallError } from '../error.ts';
import { trimLog } from '../log/log-trim.ts';
import { decodeNotification, decodeTransitions } from '../log/record-codec.ts';
import type { Store } from '../store/store.ts';
import { parseHexId } from '../wire/shard.ts';
import { IntentLedger } from './intent-ledger.ts';

const TRIM_EVERY_MS = 10_000;
/** The end of the year 2105. */
const TIME_MS_MAX = Date.UTC(2106, 0) - 1;

/**
 * Carries the log (alert transitions, notifications) into ClickHouse. Rows are named by their place in
 * the log, so carrying one over again changes nothing. The log itself is kept for as long as there
 * is room, because alerters recover from it.
 */
export class LogProjection {
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #log: Logger;
  readonly #epoch: number;
  readonly #writer: string;
  #projected = 0;
  #pending = 0;
  #malformed = 0;
  #trimmedMs = 0;

  constructor(
    parts: { bus: Bus; store: Store; log: Logger },
    identity: { epoch: number; writer: string },
  ) {
    this.#bus = parts.bus;
    this.#store = parts.store;
    this.#log = parts.log;
    this.#epoch = identity.epoch;
    this.#writer = identity.writer;
  }

  get projectedTotal(): number {
    return this.#projected;
  }

  get pending(): number {
    return this.#pending;
  }

  get malformedTotal(): number {
    return this.#malformed;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { logStream } = this.#bus.topology;
    const ledger = await this.#persist(signal, async () => {
      const info = await this.#bus.streamInfo(logStream);
      const stream = { lane: 'log', streamId: Date.parse(info.created) };
      return { stream, ledger: new IntentLedger(this.#store, stream, this.#epoch, this.#writer) };
    });
    const newest = await this.#persist(signal, () => ledger.ledger.newest());
    const reader = new StreamReader(this.#bus, { stream: logStream, from: newest?.fromSeq ?? 1 });
    signal.throwIfAborted();
    signal.addEventListener('abort', () => reader.stop());
    for await (const { seq, subject, data, pending } of reader) {
      this.#pending = pending;
      await this.#persist(signal, async () => {
        await this.#project(ledger.stream.streamId, seq, subject, data);
        await ledger.ledger.write({ fromSeq: seq + 1, toSeq: seq });
      });
      this.#projected += 1;
      await this.#trim(seq + 1);
    }
  }

  async #project(streamId: number, seq: number, subject: string, data: Uint8Array): Promise<void> {
    const kind = subject.slice(this.#bus.topology.fleet.length + '.log.'.length).split('.')[0];
    const place = { stream_id: streamId, log_seq: seq };
    try {
      if (kind === 'transitions') {
        const rows = transitionRows(place, data);
        if (rows.length > 0) await this.#store.insertRows('alert_transitions', rows);
      } else if (kind === 'notifications') {
        await this.#store.insertRows('notifications', [notificationRow(place, data)]);
      }
    } catch (error) {
      if (!(error instanceof RollcallError) || error.code !== 'bad_record') throw error;
      this.#malformed += 1;
      this.#log.error({ seq, subject, reason: error.message }, 'record of the log skipped');
    }
  }

  async #trim(projectedSeq: number): Promise<void> {
    if (performance.now() - this.#trimmedMs < TRIM_EVERY_MS) return;
    this.#trimmedMs = performance.now();
    try {
      await trimLog(this.#bus, projectedSeq);
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'trimming the log failed');
    }
  }

  #persist<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      signal,
      pauseMsMin: 100,
      pauseMsMax: 5000,
      isFinal: (error) => error instanceof RollcallError && error.code === 'fenced',
      onRetry: (error) => {
        this.#log.warn({ reason: reasonOf(error) }, 'cannot project the log; trying again');
      },
    });
  }
}

interface Place {
  readonly stream_id: number;
  readonly log_seq: number;
}

function transitionRows(place: Place, data: Uint8Array): object[] {
  const { lane, transitions } = decodeTransitions(data);
  return transitions.map((transition, position) => ({
    ...place,
    position,
    lane,
    time: clickhouseTime(transition.timeMs),
    alert: transition.alert,
    state: transition.state,
    reason: transition.reason,
    fingerprint: parseHexId(transition.fingerprint).toString(),
    target_id: parseHexId(transition.targetId).toString(),
    labels: transition.labels,
    annotations: transition.annotations,
    value: String(transition.value),
    active_at: clickhouseTime(transition.activeAtMs),
  }));
}

function notificationRow(place: Place, data: Uint8Array): object {
  const record = decodeNotification(data);
  return {
    ...place,
    time: clickhouseTime(record.timeMs),
    receiver: record.receiver,
    status: record.status,
    alert: record.alertname,
    group_key: record.groupKey,
    alerts: record.alerts,
    attempts: record.attempts,
    outcome: record.outcome,
    detail: record.detail,
  };
}

/** A time that its column cannot hold becomes the nearest one that it can. */
function clickhouseTime(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), TIME_MS_MAX)).toISOString();
}
