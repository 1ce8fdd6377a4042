import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { FETCH_EXPIRES_MS_MIN, StreamReader } from '../../pipeline/bus/stream-reader.ts';
import type { StreamMessage } from '../../pipeline/bus/stream-reader.ts';
import type { Lane } from '../../pipeline/bus/topology.ts';
import { retry } from '../../pipeline/dial/retry.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { failPoint } from '../../pipeline/fault/fail-point.ts';
import type { LanePlace, Transition, TransitionRecord } from '../../pipeline/log/transition.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import { TroubleLog } from '../trouble-log.ts';
import { isTooLarge } from '../unreadable.ts';
import type { AlertBook } from './alert-book.ts';
import { AlertSnapshot } from './alert-snapshot.ts';
import type { Snapshot } from './alert-snapshot.ts';
import { BatchFrames } from './batch-frames.ts';
import { fetchCatalogue } from './catalogue-fetch.ts';
import { LaneEvaluatorCounters } from './lane-counters.ts';
import { LaneLog } from './lane-log.ts';
import type { UnsignedRecord } from './lane-log.ts';
import { LanePosition } from './lane-position.ts';
import { laneStream, placeToGoOn, restoreBook } from './lane-recovery.ts';
import { isStale } from './owner.ts';
import type { LaneOwner } from './owner.ts';
import { RecordParts } from './record-parts.ts';
import type { Part } from './record-parts.ts';
import { cutForRecords, entryBytes } from './record-size.ts';
import { RefusalLog } from './refusal-log.ts';

export interface LaneEvaluatorOptions extends LaneOwner {
  readonly lane: Lane;
  readonly checkpointIntervalMs: number;
}

/** A new snapshot is made after so many records, or after this time if there were any. */
const SNAPSHOT_EVERY_RECORDS = 500;
const SNAPSHOT_EVERY_MS = 60_000;

/** What a predecessor left behind. */
interface Recovered {
  readonly snapshot: Snapshot;
  readonly records: readonly TransitionRecord[];
  readonly place: LanePlace;
}

/**
 * Evaluates one lane in its order, for one claim on it. First it closes log and position to its predecessors
 * and recovers what they recorded (`recover`). Then (`run`) what a message changes is recorded by
 * compare-and-set before the next one is looked at; a successor makes that fail, and this evaluator ends.
 */
export class LaneEvaluator {
  readonly counters = new LaneEvaluatorCounters();
  readonly book: AlertBook;
  readonly #bus: Bus;
  readonly #options: LaneEvaluatorOptions;
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  readonly #trouble: TroubleLog;
  readonly #refusals: RefusalLog;
  readonly #records: LaneLog;
  readonly #position: LanePosition;
  readonly #snapshot: AlertSnapshot;
  #place: LanePlace = { laneSeq: 0 };
  #savedPlace = this.#place;
  #recordsSinceSnapshot = 0;
  #snapshotMs = performance.now();
  #turn: Promise<unknown> = Promise.resolve();
  /** The book has been changed, and the log does not say so yet. */
  #isAhead = false;
  /** Why nothing may be done with the book any more. */
  #broken: { error: unknown } | undefined;
  #isRunning = false;

  constructor(
    parts: { bus: Bus; book: AlertBook; log: Logger },
    options: LaneEvaluatorOptions,
    signal: AbortSignal,
  ) {
    const { bus, book } = parts;
    const { lane, epoch, member } = options;
    const owner = { epoch, member };
    this.#bus = bus;
    this.book = book;
    const log = parts.log.child({ lane: lane.id });
    this.#log = log;
    this.#trouble = new TroubleLog(log);
    this.#refusals = new RefusalLog(log, book);
    this.#options = options;
    this.#signal = signal;
    this.#position = new LanePosition(bus, lane.id, owner);
    this.#snapshot = new AlertSnapshot(bus, lane.id, owner);
    this.#records = new LaneLog({ bus, log, confirm: () => this.#position.read() }, lane.id, owner);
  }

  get laneId(): string {
    return this.#options.lane.id;
  }

  /**
   * Closes the lane to predecessors and brings the book to where they left it: snapshot, then the log
   * after it.
   *
   * @throws RollcallError `stale` when a later owner was here; the signal's reason when aborted
   */
  async recover(): Promise<void> {
    const { snapshot, records, place } = await this.#persist('take the lane', () => this.#take());
    restoreBook(this.book, snapshot, records, place);
    this.#place = place;
    this.#savedPlace = place;
    this.#recordsSinceSnapshot = records.length;
    const { laneSeq } = place;
    const active = this.book.activeCount;
    this.#log.info({ laneSeq, logSeq: this.#records.lastSeq, active }, 'lane recovered');
  }

  /**
   * Evaluates until aborted; then writes snapshot and position, so that the successor begins where this
   * one ended.
   *
   * @throws RollcallError `stale` when another alerter has taken the lane
   */
  async run(): Promise<void> {
    const end = new AbortController();
    const signal = AbortSignal.any([this.#signal, end.signal]);
    const endAll = (error: unknown): void => {
      if (!this.#signal.aborted) this.#broken ??= { error };
      end.abort();
    };
    this.#isRunning = true;
    await Promise.all([this.#read(signal).catch(endAll), this.#tick(signal).catch(endAll)]);
    await this.#turn;
    if (this.#signal.aborted) await this.#surrender();
    else throw this.#broken?.error;
  }

  /**
   * Runs something between two messages; whatever it changes is recorded. Once the evaluator is to end, that
   * is its successor's business; and what goes wrong while it runs is told by `run`.
   */
  async change(change: () => readonly Transition[]): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      await this.#change(change);
    } catch (error) {
      if (!this.#isRunning && !this.#signal.aborted) throw error;
    }
  }

  #change(change: () => readonly Transition[]): Promise<void> {
    return this.#inTurn(async () => {
      this.#isAhead = true;
      await this.#recordChange(change());
      this.#isAhead = false;
    });
  }

  async #take(): Promise<Recovered> {
    await this.#records.take();
    const snapshot = await this.#snapshot.load();
    const records = await this.#records.records(snapshot.logSeq, this.#signal);
    const stream = laneStream(await this.#bus.streamInfo(this.#options.lane.stream));
    const recorded: LanePlace[] = snapshot.place === undefined ? [] : [snapshot.place];
    recorded.push(...records);
    const place = await this.#position.take((position) =>
      placeToGoOn(stream, position === undefined ? recorded : [...recorded, position]),
    );
    return { snapshot, records, place };
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => {
      if (this.#broken !== undefined) throw this.#broken.error;
      return action();
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #read(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lookAtStream();
      if (signal.aborted) return;
      const { stream } = this.#options.lane;
      const { laneSeq, streamId, arrivalMs } = this.#place;
      const made = streamId === undefined ? {} : { createdMs: streamId };
      const reader = new StreamReader(this.#bus, {
        stream,
        from: laneSeq + 1,
        beforeStoredMs: laneSeq > 0 ? arrivalMs : undefined,
        fetchExpiresMs: FETCH_EXPIRES_MS_MIN,
        ...made,
      });
      const stop = (): void => reader.stop();
      signal.addEventListener('abort', stop);
      // NATS may come back without its data: then it is another stream.
      const forget = this.#bus.onReconnect(stop);
      try {
        for await (const message of reader) {
          if (signal.aborted) break;
          await this.#inTurn(() => this.#onMessage(message));
        }
      } catch (error) {
        if (!(error instanceof RollcallError) || error.code !== 'stream_replaced') throw error;
      } finally {
        signal.removeEventListener('abort', stop);
        forget();
      }
    }
  }

  #missed(missed: number, laneSeq: number): void {
    this.counters.missedMessages += missed;
    const what = 'the lane was trimmed before it was evaluated: storage came first';
    this.#log.error({ missed, laneSeq }, what);
  }

  /** A lane made anew, or giving numbers out again, is evaluated from its beginning but for frames we know. */
  async #lookAtStream(): Promise<void> {
    const { stream } = this.#options.lane;
    const { laneSeq, arrivalMs } = this.#place;
    const { streamId, lastSeq, isSame } = await this.#persist('look at the lane', async () => ({
      ...laneStream(await this.#bus.streamInfo(stream)),
      isSame: await this.#bus.isSame(stream, laneSeq, arrivalMs),
    }));
    if (streamId === this.#place.streamId && laneSeq <= lastSeq && isSame) return;
    this.#log.error({ laneSeq, lastSeq }, 'the lane is a new one: evaluating all of it');
    this.#place = { laneSeq: 0, streamId, ...this.book.laneTime };
  }

  async #tick(signal: AbortSignal): Promise<void> {
    const { checkpointIntervalMs } = this.#options;
    while (!signal.aborted) {
      await sleep(checkpointIntervalMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      await this.#change(() => this.book.endStale());
      await this.#inTurn(() => this.#checkpoint());
      this.#refusals.tell();
    }
  }

  async #onMessage({ seq, data, storedMs, pending }: StreamMessage): Promise<void> {
    this.counters.pending = pending;
    const { laneSeq, framesDone = 0, streamId } = this.#place;
    const isNext = seq === laneSeq + 1;
    if (laneSeq > 0 && !isNext) this.#missed(seq - laneSeq - 1, laneSeq);
    const batch = Buffer.from(data.buffer, data.byteOffset, data.length);
    const offsets = await this.#frames(seq, batch);
    // What had been evaluated of a message that is gone says nothing about this one.
    const before = { ...this.#place, laneSeq: seq - 1, framesDone: isNext ? framesDone : 0 };
    this.#isAhead = true;
    const time = this.book.arrive(storedMs);
    const parts = new RecordParts(this.#bus.payloadBytesMax);
    let newestMs = 0;
    // A predecessor may have died between two records of one message.
    for (let i = before.framesDone; i < offsets.length; i += 1) {
      const offset = offsets[i]!;
      const transitions = this.book.evaluate(batch, offset);
      newestMs = Math.max(newestMs, frame.frameTimestampMs(batch, offset));
      // A frame whose transitions are cut is evaluated again by a successor, and changes nothing twice.
      if (transitions.length > 0) parts.add(transitions, { ...before, framesDone: i });
    }
    const place = { laneSeq: seq, streamId, ...time };
    await this.#record(parts.finish(place), before);
    this.#place = place;
    this.#isAhead = false;
    this.#count(newestMs);
  }

  #count(newestMs: number): void {
    this.counters.messages += 1;
    this.counters.unknownCatalogueFrames = this.book.counters.skipped.get('unknown_catalogue') ?? 0;
    if (newestMs > 0) this.counters.latencySeconds = (Date.now() - newestMs) / 1000;
  }

  /** The offsets of a batch's frames, with their catalogues made known. */
  async #frames(seq: number, batch: Buffer): Promise<readonly number[]> {
    let found: BatchFrames;
    try {
      found = new BatchFrames(batch, (hash) => this.book.knows(hash));
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error;
      this.counters.badBatches += 1;
      this.#log.error({ seq, reason: error.message }, 'batch cannot be read');
      return [];
    }
    for (const catalogue of found.catalogues) this.book.learn(catalogue);
    const unknown = this.book.unknownCatalogues(batch, found.offsets);
    await Promise.all(unknown.map((hash) => this.#learn(hash)));
    return found.offsets;
  }

  async #learn(hash: bigint): Promise<void> {
    const catalogue = await this.#persist('fetch a catalogue', () =>
      fetchCatalogue(this.#bus, hash),
    );
    if (catalogue !== undefined) this.book.learn(catalogue);
  }

  async #recordChange(transitions: readonly Transition[]): Promise<void> {
    const parts = new RecordParts(this.#bus.payloadBytesMax);
    parts.add(transitions, this.#place);
    await this.#record(parts.finish(this.#place), this.#place);
  }

  /** The stopwatches that a successor needs in order to go on from the parts' places go before them. */
  async #record(parts: readonly Part[], before: LanePlace): Promise<void> {
    if (parts.length === 0) return;
    for (const record of this.#stopwatchRecords(before)) await this.#append(record);
    for (const { transitions, place } of parts) {
      await this.#append({ ...place, transitions });
    }
  }

  /**
   * Records of the stopwatches that have to be recorded. (That they may be ahead of `place` does no harm: frames
   * that a stopwatch has seen change nothing.)
   */
  #stopwatchRecords(place: LanePlace): UnsignedRecord[] {
    const { payloadBytesMax } = this.#bus;
    const runs = cutForRecords(this.book.takeUnrecorded(), entryBytes, payloadBytesMax);
    return runs.map((stopwatches) => ({ ...place, transitions: [], stopwatches }));
  }

  async #append(record: UnsignedRecord): Promise<void> {
    const id = randomUUID();
    try {
      await this.#persist('record transitions', () => this.#records.append(record, id));
      failPoint('alerter.transitions_recorded');
    } catch (error) {
      // It never will be smaller: the lane goes on without it.
      if (isTooLarge(error)) return this.#lose(record, error);
      this.#broken ??= { error };
      throw error;
    }
    this.counters.transitions += record.transitions.length;
    this.#recordsSinceSnapshot += 1;
  }

  #lose({ transitions }: UnsignedRecord, error: unknown): void {
    this.counters.lostTransitions += transitions.length;
    this.#trouble.tell(error, 'transitions cannot be recorded and are lost', 'warn');
  }

  async #checkpoint(): Promise<void> {
    // In this order: what a position says is done must not need anything that is not recorded.
    await this.#tryOnce('stopwatches', async () => {
      for (const record of this.#stopwatchRecords(this.#place)) await this.#append(record);
    });
    if (this.#isSnapshotDue()) await this.#tryOnce('snapshot', () => this.#saveSnapshot());
    // Not for want of a snapshot: the log has all of it, and storage waits for the position.
    if (this.#place === this.#savedPlace) return;
    await this.#tryOnce('position', async () => {
      await this.#position.save(this.#place);
      this.#savedPlace = this.#place;
    });
  }

  /** The next checkpoint tries again. */
  async #tryOnce(what: string, attempt: () => Promise<void>): Promise<void> {
    try {
      await attempt();
    } catch (error) {
      if (isStale(error) || this.#broken !== undefined) throw error;
      this.#trouble.tell(error, `cannot write the ${what}; trying again later`, 'debug');
    }
  }

  async #saveSnapshot(): Promise<void> {
    const alerts = [...this.book.active()];
    const stopwatches = [...this.book.stopwatches()];
    const logSeq = this.#records.lastSeq;
    await this.#snapshot.save({ logSeq, place: this.#place, alerts, stopwatches });
    failPoint('alerter.snapshot_written');
    this.#recordsSinceSnapshot = 0;
    this.#snapshotMs = performance.now();
  }

  /** The last checkpoint; each step is tried once. What cannot be written the successor finds out itself. */
  async #surrender(): Promise<void> {
    if (this.#broken !== undefined || this.#isAhead) return;
    this.#broken = { error: this.#signal.reason };
    try {
      for (const record of this.#stopwatchRecords(this.#place)) {
        await this.#records.append(record, randomUUID());
      }
      if (this.#recordsSinceSnapshot > 0 || this.book.activeCount > 0) {
        await this.#saveSnapshot().catch((error: unknown) => {
          if (!isTooLarge(error)) throw error;
        });
      }
      await this.#position.save(this.#place);
      this.#log.info({ laneSeq: this.#place.laneSeq }, 'lane surrendered');
    } catch (error) {
      this.#log.debug({ reason: reasonOf(error) }, 'the last checkpoint failed');
    }
  }

  #isSnapshotDue(): boolean {
    const records = this.#recordsSinceSnapshot;
    const isOld = performance.now() - this.#snapshotMs > SNAPSHOT_EVERY_MS;
    return records >= SNAPSHOT_EVERY_RECORDS || (records > 0 && isOld);
  }

  #persist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    return retry(attempt, {
      signal: this.#signal,
      pauseMsMin: 20,
      pauseMsMax: 2000,
      isFinal: (error) => isStale(error) || isTooLarge(error),
      onRetry: (error) => {
        this.counters.retries += 1;
        this.#trouble.tell(error, `cannot ${what}; trying again`, 'warn');
      },
    });
  }
}
