import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { encodeNumbered, numberOf } from '../../pipeline/bus/numbered-value.ts';
import { StreamReader } from '../../pipeline/bus/stream-reader.ts';
import type { Lane } from '../../pipeline/bus/topology.ts';
import { retry } from '../../pipeline/dial/retry.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { evaluatedSubject } from '../../pipeline/log/positions.ts';
import { decodeTransitions, encodeRecord } from '../../pipeline/log/record-codec.ts';
import type { Transition } from '../../pipeline/log/transition.ts';
import { alignedCopy, readBatch } from '../../pipeline/wire/batch.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { decodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import { hexId } from '../../pipeline/wire/shard.ts';
import type { AlertBook } from './alert-book.ts';
import { AlertSnapshot } from './alert-snapshot.ts';

export interface LaneEvaluatorOptions {
  readonly lane: Lane;
  readonly checkpointIntervalMs: number;
}

export interface LaneEvaluatorCounters {
  messages: number;
  transitions: number;
  pending: number;
  unknownCatalogueFrames: number;
  badBatches: number;
  /** Messages that were trimmed before they were evaluated. */
  missedMessages: number;
  /** Age of the newest frame when its evaluation ended, seconds. */
  latencySeconds: number;
  retries: number;
}

/** A record stays well below NATS' default max_payload. */
const TRANSITIONS_PER_RECORD = 300;
/** A new snapshot is made after so many records, or after this time if there were any. */
const SNAPSHOT_EVERY_RECORDS = 500;
const SNAPSHOT_EVERY_MS = 60_000;

/**
 * Evaluates one lane in its order. What a message changes is recorded in the log by compare-and-set before
 * the next message is looked at; a successor that took the lane over makes that fail, and this
 * evaluator ends.
 */
export class LaneEvaluator {
  readonly counters: LaneEvaluatorCounters = {
    messages: 0,
    transitions: 0,
    pending: 0,
    unknownCatalogueFrames: 0,
    badBatches: 0,
    missedMessages: 0,
    latencySeconds: 0,
    retries: 0,
  };
  readonly book: AlertBook;
  readonly #bus: Bus;
  readonly #options: LaneEvaluatorOptions;
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  readonly #snapshot: AlertSnapshot;
  readonly #catalogues = new Map<bigint, Catalogue>();
  #laneSeq = 0;
  #logSeq = 0;
  #savedLaneSeq = 0;
  #recordsSinceSnapshot = 0;
  #snapshotMs = performance.now();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    parts: { bus: Bus; book: AlertBook; log: Logger },
    options: LaneEvaluatorOptions,
    signal: AbortSignal,
  ) {
    this.#bus = parts.bus;
    this.book = parts.book;
    this.#log = parts.log.child({ lane: options.lane.id });
    this.#options = options;
    this.#signal = signal;
    this.#snapshot = new AlertSnapshot(parts.bus, options.lane.id);
  }

  get laneId(): string {
    return this.#options.lane.id;
  }

  /** Brings the book to where the predecessor left it: snapshot, then the log after it. */
  async recover(): Promise<void> {
    const { topology } = this.#bus;
    const snapshot = await this.#persist('load the snapshot', () => this.#snapshot.load());
    for (const transition of snapshot.alerts) this.book.restore(transition);
    const subject = topology.transitionsSubject(this.laneId);
    const position = await this.#persist('read the position', () =>
      this.#bus.last(topology.stateStream, evaluatedSubject(this.#bus, this.laneId)),
    );
    this.#laneSeq = position === undefined ? 0 : numberOf(position.data);
    const newest = await this.#persist('read the log', () =>
      this.#bus.last(topology.logStream, subject),
    );
    this.#logSeq = newest?.seq ?? 0;
    if (this.#logSeq > snapshot.logSeq) await this.#readLog(subject, snapshot.logSeq + 1);
    await this.#checkPosition();
    this.#savedLaneSeq = this.#laneSeq;
    const active = this.book.activeCount;
    this.#log.info({ laneSeq: this.#laneSeq, logSeq: this.#logSeq, active }, 'lane recovered');
  }

  /** Evaluates until aborted. Throws `stale` when another alerter has written the lane's log. */
  async run(): Promise<void> {
    const reader = new StreamReader(this.#bus, {
      stream: this.#options.lane.stream,
      from: this.#laneSeq + 1,
    });
    this.#signal.addEventListener('abort', () => reader.stop());
    const ticker = this.#tick();
    for await (const { seq, data, pending } of reader) {
      this.counters.pending = pending;
      if (this.#laneSeq > 0 && seq > this.#laneSeq + 1) this.#missed(seq);
      await this.inTurn(() => this.#onMessage(seq, alignedCopy(data)));
    }
    await ticker;
  }

  /** Runs something between two messages; whatever it changes is recorded. */
  async change(change: () => readonly Transition[]): Promise<void> {
    await this.inTurn(() => this.#record(change()));
  }

  inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** A lane that was deleted and made again is evaluated from its beginning. */
  async #checkPosition(): Promise<void> {
    const info = await this.#persist('read the lane', () =>
      this.#bus.streamInfo(this.#options.lane.stream),
    );
    if (this.#laneSeq <= info.state.last_seq) return;
    this.#log.error({ laneSeq: this.#laneSeq }, 'the lane is a new one: evaluating all of it');
    this.#laneSeq = 0;
  }

  async #readLog(subject: string, from: number): Promise<void> {
    const reader = new StreamReader(this.#bus, {
      stream: this.#bus.topology.logStream,
      subject,
      from,
    });
    for await (const { seq, data } of reader) {
      const record = decodeTransitions(data);
      for (const transition of record.transitions) this.book.restore(transition);
      this.#laneSeq = Math.max(this.#laneSeq, record.laneSeq);
      this.#recordsSinceSnapshot += 1;
      if (seq >= this.#logSeq) break;
    }
  }

  async #tick(): Promise<void> {
    const { checkpointIntervalMs } = this.#options;
    while (!this.#signal.aborted) {
      await sleep(checkpointIntervalMs, undefined, { signal: this.#signal }).catch(() => undefined);
      if (this.#signal.aborted) break;
      await this.change(() => this.book.endStale());
      await this.inTurn(() => this.#checkpoint());
    }
  }

  async #onMessage(seq: number, batch: Buffer): Promise<void> {
    const offsets = await this.#frames(seq, batch);
    const transitions: Transition[] = [];
    let newestMs = 0;
    for (const offset of offsets) {
      const catalogue = this.#catalogues.get(frame.frameCatalogue(batch, offset));
      if (catalogue?.series.length !== frame.frameSlots(batch, offset)) {
        this.counters.unknownCatalogueFrames += 1;
        continue;
      }
      transitions.push(...this.book.evaluate(batch, offset, catalogue));
      newestMs = Math.max(newestMs, frame.frameTimestampMs(batch, offset));
    }
    this.#laneSeq = seq;
    await this.#record(transitions);
    this.counters.messages += 1;
    if (newestMs > 0) this.counters.latencySeconds = (Date.now() - newestMs) / 1000;
  }

  /** The offsets of a batch's frames, with their catalogues made known. */
  async #frames(seq: number, batch: Buffer): Promise<number[]> {
    const offsets: number[] = [];
    try {
      readBatch(batch, {
        onFrame: (_source, offset) => offsets.push(offset),
        onCatalogue: (source, offset, length) => {
          const catalogue = decodeCatalogueMessage(source, offset, length);
          this.#catalogues.set(catalogue.hash, catalogue);
        },
      });
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error;
      this.counters.badBatches += 1;
      this.#log.error({ seq, reason: error.message }, 'batch cannot be read');
      return [];
    }
    for (const offset of offsets) {
      const hash = frame.frameCatalogue(batch, offset);
      if (!this.#catalogues.has(hash)) await this.#fetchCatalogue(hash);
    }
    return offsets;
  }

  async #fetchCatalogue(hash: bigint): Promise<void> {
    const { topology } = this.#bus;
    const subject = topology.catalogueSubject(hexId(hash));
    const found = await this.#persist('fetch a catalogue', () =>
      this.#bus.last(topology.cataloguesStream, subject),
    );
    if (found === undefined) return;
    this.#catalogues.set(hash, decodeCatalogue(Uint8Array.from(found.data)));
  }

  async #record(transitions: readonly Transition[]): Promise<void> {
    for (let at = 0; at < transitions.length; at += TRANSITIONS_PER_RECORD) {
      const part = transitions.slice(at, at + TRANSITIONS_PER_RECORD);
      const isLast = at + part.length === transitions.length;
      // Only the last part says that the message is done: a restart in between repeats the rest.
      const laneSeq = isLast ? this.#laneSeq : Math.max(0, this.#laneSeq - 1);
      await this.#append(encodeRecord({ lane: this.laneId, laneSeq, transitions: part }));
      this.counters.transitions += part.length;
    }
  }

  async #append(record: Uint8Array): Promise<void> {
    const subject = this.#bus.topology.transitionsSubject(this.laneId);
    const lastSeq = this.#logSeq;
    const id = `${this.laneId}-${lastSeq}-${Math.random().toString(36).slice(2)}`;
    this.#logSeq = await this.#persist('record transitions', () =>
      // The id makes a repeat after a lost acknowledgement succeed instead of losing the race.
      this.#bus.publish(subject, record, { lastSeq, id }),
    );
    this.#recordsSinceSnapshot += 1;
  }

  async #checkpoint(): Promise<void> {
    try {
      if (this.#isSnapshotDue()) {
        await this.#snapshot.save({ logSeq: this.#logSeq, alerts: [...this.book.active()] });
        this.#recordsSinceSnapshot = 0;
        this.#snapshotMs = performance.now();
      }
      if (this.#laneSeq === this.#savedLaneSeq) return;
      const subject = evaluatedSubject(this.#bus, this.laneId);
      await this.#bus.publish(subject, encodeNumbered(this.#laneSeq));
      this.#savedLaneSeq = this.#laneSeq;
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'checkpoint failed; trying again later');
    }
  }

  #isSnapshotDue(): boolean {
    const records = this.#recordsSinceSnapshot;
    const isOld = performance.now() - this.#snapshotMs > SNAPSHOT_EVERY_MS;
    return records >= SNAPSHOT_EVERY_RECORDS || (records > 0 && isOld);
  }

  #missed(seq: number): void {
    const missed = seq - this.#laneSeq - 1;
    this.counters.missedMessages += missed;
    this.#log.error({ missed }, 'the lane was trimmed before it was evaluated: storage came first');
  }

  #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      signal: this.#signal,
      pauseMsMin: 20,
      pauseMsMax: 2000,
      isFinal: (error) => error instanceof RollcallError && error.code === 'stale',
      onRetry: (error) => {
        this.counters.retries += 1;
        this.#log.warn({ reason: reasonOf(error) }, `cannot ${what}; trying again`);
      },
    });
  }
}
