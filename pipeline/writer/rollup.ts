import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode } from '../error.ts';
import { failPoint } from '../fault/fail-point.ts';
import type { Store } from '../store/store.ts';
import { FailureStreak } from '../telemetry/failure-streak.ts';
import { lastHourEndMs, rollupBatch } from './rollup-batch.ts';
import type { RollupBatch } from './rollup-batch.ts';
import { insertRollup, rolledUpRows, slicesOf } from './rollup-insert.ts';
import { RollupLedger } from './rollup-ledger.ts';
import type { KeptFor, RolledUp } from './rollup-ledger.ts';
import { waitingClosings } from './waiting-closings.ts';

export interface RollupOptions {
  readonly epoch: number;
  readonly writer: string;
  readonly kept: KeptFor;
  /** How long after an hour it is rolled up: its closings must be committed by then, ms. */
  readonly graceMs?: number;
  /** Samples that are inserted at once, about. */
  readonly sliceSamplesMax?: number;
}

/** What a writer has rolled up since it started. */
export interface RollupCounters {
  closings: number;
  rows: number;
  samples: number;
  failures: number;
  seconds: number;
  /** Committed closings that are not rolled up, at the last look. */
  waiting: number;
  /** All of earlier hours is rolled up, ms since 1970. */
  openFromMs: number;
}

/** Lanes close within half a minute. */
const GRACE_MS = 120_000;
const LOOK_EVERY_MS = 60_000;
const PAUSE_MS_MAX = 1_800_000;
/** About half a second of one core, and 130 MB of ClickHouse's memory. */
const SLICE_SAMPLES_MAX = 10_000_000;

export function rollupCounters(): RollupCounters {
  return {
    closings: 0,
    rows: 0,
    samples: 0,
    failures: 0,
    seconds: 0,
    waiting: 0,
    openFromMs: 0,
  };
}

/**
 * Makes minutes and hours of samples, once an hour is over: of all closings that lanes have committed since the last
 * time, whatever times their samples have. Closings never overlap, so neither do roll-ups of them: rows of two roll-ups
 * are added up.
 */
export class Rollup {
  readonly #store: Store;
  readonly #options: RollupOptions;
  readonly #counters: RollupCounters;
  readonly #ledger: RollupLedger;
  readonly #looking: FailureStreak;
  #isClaimed = false;
  /** Something may be in the tables under the open roll-up. */
  #isDirty = false;
  #failures = 0;

  constructor(store: Store, log: Logger, options: RollupOptions, counters = rollupCounters()) {
    const { epoch, writer, kept } = options;
    this.#store = store;
    this.#options = options;
    this.#counters = counters;
    this.#ledger = new RollupLedger(store, epoch, writer, kept);
    const advice = 'allow SELECT on system.parts; before samples are deleted by age it must work';
    this.#looking = new FailureStreak(log, 'roll up samples', advice);
  }

  get rolled(): RolledUp {
    return this.#ledger.rolled;
  }

  /**
   * Runs until aborted, and then resolves.
   *
   * @throws RollcallError `fenced`
   */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#keepLooking(signal);
    } finally {
      this.#counters.waiting = 0;
      this.#counters.openFromMs = 0;
    }
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.look(Date.now(), signal);
        this.#looking.worked();
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isCode(error, 'fenced')) throw error;
        this.#looking.failed(error);
        this.#counters.failures += 1;
        this.#failures += 1;
      }
      const pauseMs = Math.min(PAUSE_MS_MAX, LOOK_EVERY_MS * 2 ** this.#failures);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /**
   * Rolls up what is due.
   *
   * @throws RollcallError `clickhouse_failed`: may be called again; `fenced`; the signal's reason
   */
  async look(nowMs: number, signal: AbortSignal): Promise<void> {
    const { graceMs = GRACE_MS } = this.#options;
    const endMs = lastHourEndMs(nowMs, graceMs);
    await this.#prepare(signal);
    for (;;) {
      const { below, openFromS } = this.#ledger.rolled;
      const waiting = await untilAborted(waitingClosings(this.#store, below), signal);
      this.#counters.waiting = waiting.runs.reduce((sum, run) => sum + run.closings.length, 0);
      this.#counters.openFromMs = 1000 * openFromS;
      if (1000 * openFromS >= endMs) return;
      const batch = await untilAborted(rollupBatch(this.#store, waiting, below, endMs), signal);
      const isAll = !batch.isCut && !waiting.isPartial;
      if (batch.closings.length === 0 && !isAll) return;
      await this.#rollUp(batch, isAll ? endMs / 1000 : openFromS, signal);
    }
  }

  async #prepare(signal: AbortSignal): Promise<void> {
    if (!this.#isClaimed) await untilAborted(this.#ledger.claim(), signal);
    this.#isClaimed = true;
    if (this.#isDirty) await untilAborted(this.#ledger.abandon(), signal);
    this.#isDirty = false;
  }

  async #rollUp(batch: RollupBatch, openFromS: number, signal: AbortSignal): Promise<void> {
    const { sliceSamplesMax = SLICE_SAMPLES_MAX } = this.#options;
    const { closings, hours, below } = batch;
    const { rollup } = this.#ledger;
    const startMs = performance.now();
    this.#isDirty = true;
    for (const slice of slicesOf({ rollup, closings }, hours, sliceSamplesMax)) {
      await untilAborted(this.#ledger.confirm(), signal);
      await untilAborted(insertRollup(this.#store, slice), signal);
      failPoint('writer.rollup_inserted');
    }
    const rolledUp = await untilAborted(
      rolledUpRows(this.#store, rollup, [...hours.keys()]),
      signal,
    );
    await untilAborted(this.#ledger.commit({ below, openFromS }), signal);
    failPoint('writer.rollup_committed');
    this.#isDirty = false;
    const counters = this.#counters;
    counters.closings += closings.length;
    counters.rows += rolledUp.rows;
    counters.samples += rolledUp.samples;
    counters.seconds += (performance.now() - startMs) / 1000;
  }
}
