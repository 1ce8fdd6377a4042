import { FrameStore } from '../../../agent/frame-store.ts';
import { BatchPublisher } from '../../../pipeline/bus/batch-publisher.ts';
import { Bus } from '../../../pipeline/bus/bus.ts';
import { isCode } from '../../../pipeline/error.ts';
import type { Store } from '../../../pipeline/store/store.ts';
import { FrameMemory } from '../../../pipeline/writer/frame-memory.ts';
import { IntentLedger } from '../../../pipeline/writer/intent-ledger.ts';
import { LaneTrim } from '../../../pipeline/writer/lane-trim.ts';

function ignoreFence(error: unknown): void {
  if (!isCode(error, 'fenced')) throw error;
}

/*
 * Faulty variants of the product's classes, put in the place of the good ones in the thread of a
 * simulation: what the simulation must find.
 */
const FAULTS: Readonly<Record<string, () => void>> = {
  /** Every frame is taken for new. */
  forgetfulMemory() {
    around(FrameMemory.prototype, 'fresh', () => (frames) => [...frames]);
  },

  /** What was stored before this writer began is not looked up. */
  memoryWithoutLookup() {
    const empty = { rows: () => Promise.resolve([]) } as unknown as Store;
    around(FrameMemory.prototype, 'learn', (learn) => {
      return function blind(this: FrameMemory, _store, ...rest) {
        return learn.call(this, empty, ...rest);
      };
    });
  },

  /** A writer that was fenced goes on. */
  ledgerWithoutFencing() {
    around(IntentLedger.prototype, 'write', (write) => {
      return function unfenced(this: IntentLedger, intent) {
        return write.call(this, intent).catch(ignoreFence);
      };
    });
    around(IntentLedger.prototype, 'confirm', (confirm) => {
      return function unasked(this: IntentLedger) {
        return confirm.call(this).catch(ignoreFence);
      };
    });
  },

  /** Each attempt has a token of its own. */
  freshTokens() {
    let attempts = 0;
    around(IntentLedger.prototype, 'token', (token) => {
      return function fresh(this: IntentLedger, ...given) {
        attempts += 1;
        return `${token.call(this, ...given)}:${attempts}`;
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
      return function blind(this: Bus, subject, data, options = {}) {
        const { lastSeq: _, ...others } = options;
        return publish.call(this, subject, data, others);
      };
    });
  },

  /** The lane loses what has not been stored. */
  eagerTrim() {
    around(LaneTrim.prototype, 'trim', (trim) => {
      return function eager(this: LaneTrim, writerSeq, createdMs) {
        return trim.call(this, writerSeq + 1, createdMs);
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
