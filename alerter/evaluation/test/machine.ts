import type { Test } from 'tap';
import type { Bus } from '../../../pipeline/bus/bus.ts';
import { StreamReader } from '../../../pipeline/bus/stream-reader.ts';
import { silentLog } from '../../../pipeline/embedded/test-servers.ts';
import { decodeTransitions } from '../../../pipeline/log/record-codec.ts';
import type { Transition } from '../../../pipeline/log/transition.ts';
import type { Target } from '../../../pipeline/targets/target.ts';
import { alignedCopy, readBatch } from '../../../pipeline/wire/batch.ts';
import type { Catalogue } from '../../../pipeline/wire/catalogue.ts';
import { AlertBook } from '../alert-book.ts';
import { LaneEvaluator } from '../lane-evaluator.ts';
import type { RuleSet } from '../rule-set.ts';
import { standIn } from './hand-made.ts';

export interface World {
  readonly t: Test;
  readonly bus: Bus;
  readonly targets: readonly Target[];
  readonly rules: RuleSet;
  readonly catalogue: Catalogue;
}

const STALENESS_MS = 300_000;

/** A process that evaluates lane 0; it can be frozen, woken and killed like one. */
export class Machine {
  readonly evaluator: LaneEvaluator;
  readonly book = new AlertBook(STALENESS_MS);
  readonly #stop = new AbortController();
  readonly #world: World;
  #frozen: PromiseWithResolvers<void> | undefined;
  #isDead = false;
  ended: Promise<unknown> = Promise.resolve();

  constructor(world: World, epoch: number, checkpointIntervalMs: number) {
    this.#world = world;
    const options = {
      lane: world.bus.topology.lane(0),
      checkpointIntervalMs,
      epoch,
      member: `m${epoch}`,
    };
    const parts = { bus: this.#bus(world.bus), book: this.book, log: silentLog };
    this.evaluator = new LaneEvaluator(parts, options, this.#stop.signal);
    world.t.teardown(() => this.kill());
  }

  async start(): Promise<void> {
    await this.evaluator.recover();
    for (const one of this.#world.targets) this.book.setTarget(one);
    await this.evaluator.change(() => this.book.dropUnconfirmed());
    await this.evaluator.change(() => this.book.setRules(this.#world.rules));
    this.ended = this.evaluator.run().catch((error: unknown) => error);
  }

  freeze(): void {
    this.#frozen ??= Promise.withResolvers<void>();
  }

  wake(): void {
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** Nothing that it was about to say will be heard. */
  async kill(): Promise<void> {
    this.#isDead = true;
    this.wake();
    this.#stop.abort();
    await this.ended;
  }

  /** An orderly end. */
  async stop(): Promise<void> {
    this.wake();
    this.#stop.abort();
    await this.ended;
  }

  /** It may be frozen before it asks and before it hears the answer. */
  #bus(bus: Bus): Bus {
    const gate = async (): Promise<void> => {
      await this.#frozen?.promise;
      if (this.#isDead) throw new Error('dead');
    };
    const gated = async <T>(call: () => Promise<T>): Promise<T> => {
      await gate();
      const answer = await call();
      await gate();
      return answer;
    };
    return standIn(bus, {
      publish: (...how) => gated(() => bus.publish(...how)),
      last: (...how) => gated(() => bus.last(...how)),
      streamInfo: (...how) => gated(() => bus.streamInfo(...how)),
    });
  }
}

/** What an evaluator that was never disturbed makes of the lane. */
export async function undisturbed(world: World): Promise<Transition[]> {
  const { bus, targets, rules, catalogue } = world;
  const book = new AlertBook(STALENESS_MS);
  for (const one of targets) book.setTarget(one);
  book.setRules(rules);
  book.learn(catalogue);
  const transitions: Transition[] = [];
  for (const { data, storedMs } of await messages(bus, bus.topology.lane(0).stream)) {
    const batch = alignedCopy(data);
    book.arrive(storedMs);
    readBatch(batch, {
      onFrame: (source, offset) => transitions.push(...book.evaluate(source, offset)),
      onCatalogue: () => undefined,
    });
  }
  return transitions;
}

/** All transitions in the log. */
export async function logged(world: World): Promise<Transition[]> {
  const records = await messages(world.bus, world.bus.topology.logStream);
  return records.flatMap(({ data }) => decodeTransitions(data).transitions);
}

/** The history of each alert: `previous>state second`. */
export function histories(transitions: readonly Transition[]): Record<string, string[]> {
  const told: Record<string, string[]> = {};
  for (const { alert, labels, previous, state, timeMs } of transitions) {
    const key = `${alert} ${labels['instance']}`;
    (told[key] ??= []).push(`${previous}>${state} ${timeMs / 1000}`);
  }
  return told;
}

/** Whether each alert's transitions follow from each other, beginning with none. */
export function isConsistent(transitions: readonly Transition[]): boolean {
  const states = new Map<string, string>();
  return transitions.every(({ alert, targetId, previous, state }) => {
    const key = `${alert} ${targetId}`;
    const follows = (states.get(key) ?? 'inactive') === previous && state !== previous;
    states.set(key, state);
    return follows;
  });
}

async function messages(
  bus: Bus,
  stream: string,
): Promise<{ data: Uint8Array; storedMs: number }[]> {
  const { state } = await bus.streamInfo(stream);
  const found: { data: Uint8Array; storedMs: number }[] = [];
  if (state.messages === 0) return found;
  for await (const { seq, data, storedMs } of new StreamReader(bus, { stream, from: 1 })) {
    found.push({ data: Uint8Array.from(data), storedMs });
    if (seq >= state.last_seq) break;
  }
  return found;
}
