import { AsyncLocalStorage } from 'node:async_hooks';
import { pino } from 'pino';
import { FrameStore } from '../../../agent/frame-store.ts';
import { BatchPublisher } from '../../../pipeline/bus/batch-publisher.ts';
import { Bus } from '../../../pipeline/bus/bus.ts';
import { StreamReader } from '../../../pipeline/bus/stream-reader.ts';
import type { Store } from '../../../pipeline/store/store.ts';
import { ClosingInsert } from '../../../pipeline/writer/closing-insert.ts';
import { FrameMemory } from '../../../pipeline/writer/frame-memory.ts';
import { LaneTrim } from '../../../pipeline/writer/lane-trim.ts';
import { MessageBuffer } from '../../../pipeline/writer/message-buffer.ts';
import { OpenClosings } from '../../../pipeline/writer/open-closings.ts';
import { RecentSweep } from '../../../pipeline/writer/recent-sweep.ts';
import { RunLedger } from '../../../pipeline/writer/run-ledger.ts';
import { ClickHouseTables } from '../clickhouse-tables.ts';
import { SimulatedStore } from '../simulated-store.ts';

/** A call of a method of `RunLedger` that sees no epoch but its own. */
interface BlindCall {
  /** Whether it inserts its row after it has read. */
  readonly isLate: boolean;
  epoch: number;
  insert: () => Promise<void>;
}

const blindCalls = new AsyncLocalStorage<BlindCall>();
/** Between reading and a late insert. */
const LATE_MS = 1000;
const KEEP_MS = 7 * 86_400_000;

/** From now on these methods of the ledger are blind. */
function blind(names: readonly ('claim' | 'begin' | 'commit')[], isLate = false): void {
  for (const name of names) {
    around(RunLedger.prototype, name, (method: (given: never) => Promise<unknown>) => {
      return function unlooking(this: RunLedger, given: never) {
        const call = { isLate, epoch: 0, insert: () => Promise.resolve() };
        return blindCalls.run(call, () => method.call(this, given));
      } as never;
    });
  }
  around(SimulatedStore.prototype, 'insertRows', (insertRows) => {
    return async function noted(this: SimulatedStore, table, rows) {
      const call = blindCalls.getStore();
      const insert = () => insertRows.call(this, table, rows);
      if (call === undefined) return insert();
      call.epoch = (rows[0] as { epoch: number }).epoch;
      if (call.isLate) call.insert = insert;
      else await insert();
    };
  });
  around(SimulatedStore.prototype, 'rows', (readRows) => {
    return async function unseen<Row>(this: SimulatedStore, sql: string, parameters = {}) {
      const call = blindCalls.getStore();
      if (call !== undefined && sql.startsWith('SELECT max(epoch)')) {
        return [{ epoch: String(call.epoch) }] as Row[];
      }
      const rows = await readRows.call(this, sql, parameters);
      if (call?.isLate === true) {
        await new Promise((resolve) => {
          setTimeout(resolve, LATE_MS);
        });
        await call.insert();
      }
      return rows as Row[];
    };
  });
}

/*
 * Faulty variants of the product's classes, put in the place of the good ones in the thread of a
 * simulation: what the simulation must find.
 *
 * Left out, for they do no harm within a schedule: a ledger that is not asked before an insert (what a fenced
 * writer inserts is hidden; that ends only after as many take-overs as have room in `hides`), and a sweep that
 * drops what it has found at one look only (a claim and a first insert do not fit between its two readings).
 */
const FAULTS: Readonly<Record<string, () => void>> = {
  /** Every frame is taken for new. */
  forgetfulMemory() {
    around(FrameMemory.prototype, 'takeFresh', () => (frames) => [...frames]);
  },

  /** What was stored before this writer began is not looked up. */
  memoryWithoutLookup() {
    const empty = { rows: () => Promise.resolve([]) } as unknown as Store;
    around(FrameMemory.prototype, 'learn', (learn) => {
      return function unlooking(this: FrameMemory, _store, ...rest) {
        return learn.call(this, empty, ...rest);
      };
    });
  },

  /** Frames count as stored that are in closings which do not count. */
  memoryOfHiddenFrames() {
    around(FrameMemory.prototype, 'learn', (learn) => {
      return function trusting(this: FrameMemory, store, frames, _hides, nowMs) {
        return learn.call(this, store, frames, [], nowMs);
      };
    });
  },

  /** A writer that was fenced goes on. */
  ledgerWithoutFencing() {
    blind(['begin', 'commit']);
    around(RunLedger.prototype, 'confirm', () => () => Promise.resolve());
  },

  /** A position counts although another has the lane. */
  commitWithoutLooking() {
    blind(['commit']);
  },

  /** What the predecessor commits meanwhile is not known of. */
  claimThatReadsFirst() {
    blind(['claim'], true);
  },

  /** What the predecessor left open counts as well. */
  nothingHidden() {
    around(SimulatedStore.prototype, 'insertRows', (insertRows) => {
      return function showing(this: SimulatedStore, table, rows) {
        const shown = rows.map((row) => ({ ...row, hides: [] }));
        return insertRows.call(this, table, table === 'lane_runs' ? shown : rows);
      };
    });
  },

  /** A run begins before it has what its predecessor had. */
  beginAtOnce() {
    Object.defineProperty(StreamReader.prototype, 'caughtUp', { get: () => Promise.resolve() });
    Object.defineProperty(MessageBuffer.prototype, 'waiting', { get: () => 0 });
  },

  /** A closing is committed while its slices are under way. */
  commitBeforeSlices() {
    around(ClosingInsert.prototype, 'next', (next) => {
      return function hasty(this: ClosingInsert) {
        next.call(this).catch(() => undefined);
        return Promise.resolve(false);
      };
    });
  },

  /** Messages are passed over that have frames of the next closing. */
  positionWithoutNext() {
    around(OpenClosings.prototype, 'freeze', (freeze) => {
      return function careless(this: OpenClosings) {
        const frozen = freeze.call(this);
        const { toSeq } = frozen.position;
        return { ...frozen, position: { ...frozen.position, fromSeq: toSeq + 1 } };
      };
    });
  },

  /** The lane loses what has not been stored. */
  eagerTrim() {
    around(LaneTrim.prototype, 'trim', (trim) => {
      return function eager(this: LaneTrim, progress) {
        return trim.call(this, { ...progress, safeSeq: progress.safeSeq + 1 });
      };
    });
  },

  /** Rows of open closings are dropped. */
  sweepOfOpenClosings() {
    Object.defineProperty(ClickHouseTables.prototype, 'inUse', { get: () => new Set() });
  },

  /** Rows are dropped of runs that have not begun, at the worst time. */
  sweepOfUnbegunRuns() {
    around(SimulatedStore.prototype, 'insertRows', (insertRows) => {
      return async function swept(this: SimulatedStore, table, rows) {
        if (table === 'lane_runs' && (rows[0] as { number: number }).number === 1) {
          const sweep = new RecentSweep(this.store, pino({ level: 'silent' }), KEEP_MS);
          for (let looks = 0; looks < 2; looks += 1) await sweep.look().catch(() => undefined);
        }
        return insertRows.call(this, table, rows);
      };
    });
    Object.defineProperty(ClickHouseTables.prototype, 'inUse', {
      get(this: ClickHouseTables) {
        return this.closings.open;
      },
    });
  },

  /** Each attempt has a token of its own. */
  freshTokens() {
    let attempts = 0;
    around(SimulatedStore.prototype, 'insertBlock', (insertBlock) => {
      return function fresh(this: SimulatedStore, table, chunks, token) {
        attempts += 1;
        return insertBlock.call(this, table, chunks, `${token}:${attempts}`);
      };
    });
  },

  /** A frame is to be seen before its samples are. */
  framesFirst() {
    const waiting = new Map<string, readonly Uint8Array[]>();
    around(SimulatedStore.prototype, 'insertBlock', (insertBlock) => {
      return async function turned(this: SimulatedStore, table, chunks, token) {
        if (table === 'samples_recent') {
          waiting.set(token, chunks);
          return;
        }
        await insertBlock.call(this, table, chunks, token);
        if (table !== 'frames_recent') return;
        await insertBlock.call(this, 'samples_recent', waiting.get(token)!, token);
      };
    });
  },

  /** A batch counts as published when it was sent. */
  earlyAcknowledgement() {
    around(BatchPublisher.prototype, 'publish', (publish) => {
      return function early(this: BatchPublisher, ...given) {
        void publish.call(this, ...given);
        return Promise.resolve(true);
      };
    });
  },

  /** Whoever writes last wins. */
  claimsWithoutComparing() {
    around(Bus.prototype, 'publish', (publish) => {
      return function uncompared(this: Bus, subject, data, options = {}) {
        const { lastSeq: _, ...others } = options;
        return publish.call(this, subject, data, others);
      };
    });
  },

  /** An agent forgets what it has sent. */
  ringWithoutPatience() {
    around(FrameStore.prototype, 'frame', (frame) => {
      return function impatient(this: FrameStore, seq) {
        for (const cursor of this.fleets) cursor.settle(seq, seq);
        return frame.call(this, seq);
      };
    });
  },
};

/** Replaces a method by one that is made of it. */
function around<T extends object, K extends keyof T>(
  prototype: T,
  name: K,
  make: (original: T[K]) => T[K],
): void {
  prototype[name] = make(prototype[name]);
}

export function plant(name: string): void {
  FAULTS[name]!();
}
