import type { FrameStore } from '../../agent/frame-store.ts';
import { shelvedPayload } from '../../pipeline/bus/shelved-catalogue.ts';
import type { Claim } from '../../pipeline/membership/claim.ts';
import { decodeClaim } from '../../pipeline/membership/claim.ts';
import { readBatch, alignedCopy } from '../../pipeline/wire/batch.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { decodeCatalogue, metricId } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import type { StreamWatcher } from './jetstream-api.ts';
import type { StreamMessage } from './jetstream-stream.ts';
import type { RunRow } from './lane-runs.ts';
import { addSums, NO_SAMPLES, sampleSum } from './sample-sums.ts';
import type { SampleSum } from './sample-sums.ts';
import { frameKey, ShownRows } from './shown-rows.ts';
import { Violation } from './violation.ts';

/** One run of an agent: what it has said. */
interface AgentRun {
  readonly target: bigint;
  readonly store: FrameStore;
  isDead: boolean;
  /** By sequence: when, in simulated ms. */
  readonly said: Map<number, number>;
  /** The first frame that it may not have forgotten yet. */
  checkedSeq: number;
}

/** From a lane into ClickHouse, when all is well, ms. */
const UNDER_WAY_MS_MAX = 3000;

/**
 * What really happened, told by the ends of the road: what agents said, what JetStream took and let go of,
 * what ClickHouse committed. Each report is checked as it comes; a broken invariant throws.
 */
export class Ledger implements StreamWatcher {
  readonly shown: ShownRows;
  #checks = 0;
  readonly #runs = new Map<bigint, AgentRun>();
  /** Frames that were in a lane's stream at some time, and since when, in simulated ms. */
  readonly #accepted = new Map<string, number>();
  /** Frames of a message of a lane, by stream and sequence. */
  readonly #inMessage = new Map<string, readonly string[]>();
  /** Frames that JetStream had acknowledged and then lost: they may be stored, or not. */
  readonly #lost = new Set<string>();
  /** Streams that have lost messages: a position may be one among those. */
  readonly #cutBack = new Set<string>();
  /** By stream: messages below it have been found to be stored for good. */
  readonly #safeBelow = new Map<string, number>();
  /** By catalogue, the ids of its metrics by slot. */
  readonly #metricIds = new Map<bigint, readonly bigint[]>();
  readonly #claims = new Map<string, Claim>();
  readonly #owners = new Map<string, string>();
  readonly #fleet: string;
  readonly #cataloguesStream: string;
  readonly #ownerPrefix: string;
  readonly #nowMs: () => number;

  /** `nowMs` is the simulated time. */
  constructor(fleet: string, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#fleet = fleet;
    this.#cataloguesStream = `${fleet}_catalogues`;
    this.#ownerPrefix = `${fleet}.state.owner.`;
    this.shown = new ShownRows(nowMs, (row) => this.#onRun(row));
  }

  /** How many comparisons were made. */
  get checks(): number {
    return this.#checks + this.shown.checks;
  }

  /** Listens to what an agent says and forgets. */
  follow(target: bigint, store: FrameStore): AgentRun {
    const run: AgentRun = { target, store, isDead: false, said: new Map(), checkedSeq: 1 };
    this.#runs.set(store.incarnation, run);
    const append = store.append.bind(store);
    store.append = (table, timestampMs, takenMs) => {
      const seq = append(table, timestampMs, takenMs);
      if (seq !== undefined) run.said.set(seq, this.#nowMs());
      return seq;
    };
    const release = store.release.bind(store);
    store.release = () => {
      release();
      this.#checkForgotten(run);
    };
    return run;
  }

  /** JetStream has taken a message. */
  onStored(stream: string, message: StreamMessage): void {
    if (this.#isLane(stream)) this.#onBatch(stream, message);
    else if (stream === this.#cataloguesStream) {
      this.#learn(decodeCatalogue(shelvedPayload(message.data)));
    } else if (message.subject.startsWith(this.#ownerPrefix)) this.#onClaim(message);
  }

  /** JetStream has deleted messages: of a lane, only what is stored for good. */
  onPurged(stream: string, messages: readonly StreamMessage[]): void {
    if (!this.#isLane(stream)) return;
    for (const { seq } of messages) {
      this.#mustBeSafe('trimmed_before_stored', stream, seq);
      for (const key of this.#inMessage.get(`${stream} ${seq}`) ?? []) this.shown.trim(key);
    }
  }

  /** What was acknowledged, is in ClickHouse not yet, and no longer on its way. */
  onLost(stream: string, messages: readonly StreamMessage[]): void {
    for (const { seq } of messages) {
      const name = `${stream} ${seq}`;
      for (const key of this.#inMessage.get(name) ?? []) {
        this.#lost.add(key);
        this.shown.lose(key);
      }
      this.#inMessage.delete(name);
    }
    if (messages.length > 0) this.#cutBack.add(stream);
  }

  /** A frame that was said by then (simulated ms) and is not stored, or undefined; of runs that died only what was accepted. */
  missing(untilMs: number): string | undefined {
    for (const [incarnation, { target, said, isDead }] of this.#runs) {
      for (const [seq, saidMs] of said) {
        if (saidMs > untilMs) continue;
        const key = frameKey(target, incarnation, seq);
        if (this.shown.has(key) || this.#lost.has(key)) continue;
        if (!isDead || this.#accepted.has(key)) return `${key} (${this.#whereIs(key)})`;
      }
    }
    const settledMs = Math.max(untilMs, this.#nowMs() - UNDER_WAY_MS_MAX);
    for (const [key, acceptedMs] of this.#accepted) {
      if (acceptedMs >= settledMs || this.shown.has(key) || this.#lost.has(key)) continue;
      return `${key} (${this.#whereIs(key)})`;
    }
    return undefined;
  }

  #whereIs(key: string): string {
    for (const [message, keys] of this.#inMessage) if (keys.includes(key)) return message;
    return 'in no lane';
  }

  /** What queries show of samples is what they show of frames; unless all is quiet some may be under way. */
  checkSamples(isQuiet: boolean): void {
    this.shown.checkAll(isQuiet ? Infinity : this.#nowMs() - UNDER_WAY_MS_MAX);
  }

  streamOf(lane: string): string {
    return `${this.#fleet}_lane_${lane}`;
  }

  /** Messages of a lane's stream below the answer are stored for good. */
  safeBelow(stream: string): number {
    return this.#safeBelow.get(stream) ?? 1;
  }

  /** Who has the newest claim to a part, unless it was given up. */
  claimOf(role: string, part: string): Claim | undefined {
    const claim = this.#claims.get(`${role}.${part}`);
    return claim?.isReleased === true ? undefined : claim;
  }

  #isLane(stream: string): boolean {
    return stream.startsWith(this.streamOf(''));
  }

  #onBatch(stream: string, { seq, data }: StreamMessage): void {
    const keys: string[] = [];
    readBatch(alignedCopy(data), {
      onFrame: (source, offset) => keys.push(this.#onFrame(source, offset)),
      onCatalogue: (source, offset, length) => {
        this.#learn(decodeCatalogueMessage(source, offset, length));
      },
    });
    this.#inMessage.set(`${stream} ${seq}`, keys);
  }

  /** @returns its key */
  #onFrame(source: Buffer, offset: number): string {
    const target = frame.frameTarget(source, offset);
    const incarnation = frame.frameIncarnation(source, offset);
    const key = frameKey(target, incarnation, frame.frameSeq(source, offset));
    if (!this.#accepted.has(key)) {
      this.#accepted.set(key, this.#nowMs());
      const timestampMs = frame.frameTimestampMs(source, offset);
      this.shown.accept(key, target, timestampMs, this.#sumOf(source, offset));
    }
    return key;
  }

  #onClaim({ subject, data }: StreamMessage): void {
    const claim = decodeClaim(data);
    const part = subject.slice(this.#ownerPrefix.length);
    const before = this.#claims.get(part);
    this.#checks += 2;
    const isOwn = before?.member === claim.member && before.epoch === claim.epoch;
    if (claim.isReleased ? !isOwn : before !== undefined && claim.epoch <= before.epoch) {
      throw new Violation(
        'epoch_did_not_grow',
        `${part}: ${JSON.stringify(claim)} after ${JSON.stringify(before)}`,
      );
    }
    const owner = this.#owners.get(`${part} ${claim.epoch}`);
    if (owner !== undefined && owner !== claim.member) {
      throw new Violation('two_owners', `${part}: ${owner} and ${claim.member}: ${claim.epoch}`);
    }
    this.#owners.set(`${part} ${claim.epoch}`, claim.member);
    this.#claims.set(part, claim);
  }

  /** An agent may forget what JetStream has, and what it has counted as dropped. */
  #checkForgotten(run: AgentRun): void {
    const { store, target } = run;
    const dropped = [...store.fleets].reduce((sum, { droppedTotal }) => sum + droppedTotal, 0);
    let lost = 0;
    for (; run.checkedSeq < store.ring.firstSeq; run.checkedSeq += 1) {
      this.#checks += 1;
      const key = frameKey(target, store.incarnation, run.checkedSeq);
      if (!this.#accepted.has(key)) lost += 1;
      if (lost > dropped) {
        throw new Violation(
          'acknowledged_before_stored',
          `the agent of frame ${key} forgot it, and no lane has it`,
        );
      }
    }
  }

  /** A lane's position says what is stored for good. */
  #onRun({ lane, from_seq: fromSeq }: RunRow): void {
    const stream = this.streamOf(lane);
    if (this.#cutBack.has(stream)) {
      this.#safeBelow.set(stream, fromSeq);
      return;
    }
    const from = this.safeBelow(stream);
    for (let seq = from; seq < fromSeq; seq += 1) {
      this.#mustBeSafe('committed_before_stored', stream, seq);
    }
    this.#safeBelow.set(stream, Math.max(from, fromSeq));
  }

  #mustBeSafe(invariant: string, stream: string, seq: number): void {
    for (const key of this.#inMessage.get(`${stream} ${seq}`) ?? []) {
      this.#checks += 1;
      if (this.shown.isSafe(key) || this.#lost.has(key)) continue;
      throw new Violation(
        invariant,
        `${seq} of ${stream} has frame ${key}, which is not stored for good`,
      );
    }
  }

  #learn({ hash, series }: Catalogue): void {
    if (this.#metricIds.has(hash)) return;
    const ids = series.map(({ name, labels }) => metricId(name, labels));
    this.#metricIds.set(hash, ids);
  }

  /** Of the values of a frame. */
  #sumOf(source: Buffer, offset: number): SampleSum {
    const ids = this.#metricIds.get(frame.frameCatalogue(source, offset))!;
    const valuesAt = offset + frame.valuesAt(ids.length);
    return ids.reduce((sum, id, slot) => {
      if (!frame.isPresent(source, offset, slot)) return sum;
      return addSums(sum, sampleSum(id, source.readDoubleLE(valuesAt + 8 * slot)));
    }, NO_SAMPLES);
  }
}
