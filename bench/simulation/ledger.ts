import type { FrameStore } from '../../agent/frame-store.ts';
import type { Claim } from '../../pipeline/membership/claim.ts';
import { decodeClaim } from '../../pipeline/membership/claim.ts';
import { readBatch, alignedCopy } from '../../pipeline/wire/batch.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import type { FrameRow, TableWatcher } from './clickhouse-tables.ts';
import type { StreamWatcher } from './jetstream-api.ts';
import type { StreamMessage } from './jetstream-stream.ts';
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

/** At one time of one target: rows of `samples`, and how many the rows of `frames` say there are. */
interface SampleCount {
  rows: number;
  claimed: number;
  /** Simulated ms. */
  changedMs: number;
}

/** From a lane into ClickHouse, when all is well, ms. */
const UNDER_WAY_MS_MAX = 3000;

/**
 * What really happened, told by the ends of the road: what agents said, what JetStream took and let go of,
 * what ClickHouse committed. Each report is checked as it comes; a broken invariant throws.
 */
export class Ledger implements StreamWatcher, TableWatcher {
  /** How many comparisons were made. */
  checks = 0;
  readonly #runs = new Map<bigint, AgentRun>();
  /** Frames that were in a lane's stream at some time, and since when, in simulated ms. */
  readonly #accepted = new Map<string, number>();
  /** Frames of a message of a lane, by stream and sequence. */
  readonly #inMessage = new Map<string, readonly string[]>();
  readonly #stored = new Map<string, FrameRow>();
  /** By target and time. */
  readonly #samples = new Map<string, SampleCount>();
  /** Frames that JetStream had acknowledged and then lost: they may be stored, or not. */
  readonly #lost = new Set<string>();
  readonly #inserts = new Map<string, { from: number; to: number }[]>();
  readonly #claims = new Map<string, Claim>();
  readonly #owners = new Map<string, string>();
  readonly #isLane: (stream: string) => boolean;
  readonly #ownerPrefix: string;
  readonly #nowMs: () => number;

  /** `nowMs` is the simulated time. */
  constructor(fleet: string, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#isLane = (stream) => stream.startsWith(`${fleet}_lane_`);
    this.#ownerPrefix = `${fleet}.state.owner.`;
  }

  get storedFrames(): number {
    return this.#stored.size;
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
    else if (message.subject.startsWith(this.#ownerPrefix)) this.#onClaim(message);
  }

  /** JetStream has deleted messages: of a lane, only what ClickHouse has. */
  onPurged(stream: string, messages: readonly StreamMessage[]): void {
    if (!this.#isLane(stream)) return;
    for (const { seq } of messages) {
      const keys = this.#inMessage.get(`${stream} ${seq}`) ?? [];
      for (const key of keys) {
        this.checks += 1;
        if (this.#stored.has(key)) continue;
        throw new Violation(
          'trimmed_before_stored',
          `${stream} lost ${seq} with frame ${key}, which is not in ClickHouse`,
        );
      }
    }
  }

  /** Every message of a lane belongs to one insert, whoever carries it out and however often. */
  onToken(table: string, token: string): void {
    const [lane, stream, range, partition] = token.split(':');
    const [from, to] = range!.split('-').map(Number) as [number, number];
    const name = `${table} ${lane}:${stream} ${partition}`;
    const inserts = this.#inserts.get(name) ?? [];
    this.checks += 1;
    const other = inserts.find((one) => one.from <= to && from <= one.to);
    if (other !== undefined) {
      const message = `${name} got ${from} to ${to} after ${other.from} to ${other.to}`;
      throw new Violation('overlapping_inserts', message);
    }
    inserts.push({ from, to });
    this.#inserts.set(name, inserts);
  }

  /** What was acknowledged, is in ClickHouse not yet, and no longer on its way. */
  onLost(stream: string, messages: readonly StreamMessage[]): void {
    for (const { seq } of messages) {
      const name = `${stream} ${seq}`;
      for (const key of this.#inMessage.get(name) ?? []) this.#lost.add(key);
      this.#inMessage.delete(name);
    }
  }

  onFrames(rows: readonly FrameRow[], token: string): void {
    for (const row of rows) {
      const key = keyOf(row.target, row.incarnation, row.seq);
      this.checks += 1;
      const first = this.#stored.get(key);
      if (first !== undefined) {
        throw new Violation(
          'stored_twice',
          `frame ${key} by ${token}, before from ${first.lane} ${first.streamSeq}`,
        );
      }
      this.#stored.set(key, row);
      this.#samplesAt(row).claimed += row.samples;
    }
  }

  onSamples(rows: readonly { target: bigint; timestampMs: number }[]): void {
    for (const row of rows) this.#samplesAt(row).rows += 1;
  }

  /** A frame that was said by then (simulated ms) and is not stored, or undefined; of runs that died only what was accepted. */
  missing(untilMs: number): string | undefined {
    for (const [incarnation, { target, said, isDead }] of this.#runs) {
      for (const [seq, saidMs] of said) {
        if (saidMs > untilMs) continue;
        const key = keyOf(target, incarnation, seq);
        if (this.#stored.has(key) || this.#lost.has(key)) continue;
        if (!isDead || this.#accepted.has(key)) return `${key} (${this.#whereIs(key)})`;
      }
    }
    const settledMs = Math.max(untilMs, this.#nowMs() - UNDER_WAY_MS_MAX);
    for (const [key, acceptedMs] of this.#accepted) {
      if (acceptedMs >= settledMs || this.#stored.has(key) || this.#lost.has(key)) continue;
      return `${key} (${this.#whereIs(key)})`;
    }
    return undefined;
  }

  #whereIs(key: string): string {
    for (const [message, keys] of this.#inMessage) if (keys.includes(key)) return message;
    return 'in no lane';
  }

  /** Every row of `samples` belongs to a row of `frames`, and the other way round. */
  checkSamples(): void {
    const settledMs = this.#nowMs() - UNDER_WAY_MS_MAX;
    for (const [key, { rows, claimed, changedMs }] of this.#samples) {
      this.checks += 1;
      if (rows === claimed || changedMs > settledMs) continue;
      throw new Violation('samples_differ', `${key} has ${rows} samples, its frames ${claimed}`);
    }
  }

  /** Who has the newest claim to a part, unless it was given up. */
  claimOf(role: string, part: string): Claim | undefined {
    const claim = this.#claims.get(`${role}.${part}`);
    return claim?.isReleased === true ? undefined : claim;
  }

  #onBatch(stream: string, { seq, data }: StreamMessage): void {
    const keys: string[] = [];
    readBatch(alignedCopy(data), {
      onFrame: (source, offset) => {
        keys.push(
          keyOf(
            frame.frameTarget(source, offset),
            frame.frameIncarnation(source, offset),
            frame.frameSeq(source, offset),
          ),
        );
      },
      onCatalogue: () => undefined,
    });
    for (const key of keys) {
      if (!this.#accepted.has(key)) this.#accepted.set(key, this.#nowMs());
    }
    this.#inMessage.set(`${stream} ${seq}`, keys);
  }

  #onClaim({ subject, data }: StreamMessage): void {
    const claim = decodeClaim(data);
    const part = subject.slice(this.#ownerPrefix.length);
    const before = this.#claims.get(part);
    this.checks += 2;
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
      this.checks += 1;
      const key = keyOf(target, store.incarnation, run.checkedSeq);
      if (!this.#accepted.has(key)) lost += 1;
      if (lost > dropped) {
        throw new Violation(
          'acknowledged_before_stored',
          `the agent of frame ${key} forgot it, and no lane has it`,
        );
      }
    }
  }

  #samplesAt({ target, timestampMs }: { target: bigint; timestampMs: number }): SampleCount {
    const key = `${target} ${timestampMs}`;
    let at = this.#samples.get(key);
    if (at === undefined) {
      at = { rows: 0, claimed: 0, changedMs: 0 };
      this.#samples.set(key, at);
    }
    at.changedMs = this.#nowMs();
    return at;
  }
}

function keyOf(target: bigint, incarnation: bigint, seq: number): string {
  return `${target.toString(36)}/${incarnation.toString(36)}/${seq}`;
}
