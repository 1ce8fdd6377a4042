import { Agent } from '../../agent/agent.ts';
import type { AgentOptions } from '../../agent/agent.ts';
import type { Alarm, Clock } from '../../agent/tick-clock.ts';
import { Deadline, DeadlineWheel } from '../../pipeline/dial/deadline-wheel.ts';
import { checksum } from './checksum.ts';
import type { Checksum } from './checksum.ts';
import type { AgentRun, Episode, Ledger } from './ledger.ts';
import { BREACHES } from './fleet-source.ts';
import type { Breach, FleetSource } from './fleet-source.ts';
import type { HostCatalogue, HostCatalogues } from './host-catalogue.ts';

/** Agents tick at most two of these late. */
const WHEEL_TICK_MS = 5;
const wheel = new DeadlineWheel(WHEEL_TICK_MS);

/**
 * A wall clock that a script may set wrong; its seconds are as long as everybody's. One timer wakes all agents of
 * the process.
 */
export class SkewedClock implements Clock {
  offsetMs = 0;

  wallMs(): number {
    return Date.now() + this.offsetMs;
  }

  monotonicMs(): number {
    return performance.now();
  }

  alarm(ring: () => void): Alarm {
    wheel.start();
    const deadline = new Deadline(ring);
    return {
      set: (delayMs) => wheel.set(deadline, delayMs),
      clear: () => deadline.cancel(),
    };
  }
}

export interface SimulatedAgentOptions extends Pick<
  AgentOptions,
  'table' | 'ringBytesMax' | 'log'
> {
  /** The agent's number in the fleet. */
  readonly index: number;
  readonly source: FleetSource;
  readonly clock: SkewedClock;
  readonly ledger: Ledger;
  /** Of the process whose table it shares, if every host has a catalogue of its own. */
  readonly catalogues?: HostCatalogues | undefined;
}

const sum: Checksum = { low: 0, high: 0, samples: 0 };

/**
 * One run of a real agent with made-up readings. It listens nowhere, but is given its connections, and writes down what it appends to its ring: the number
 * and time that the store gives the frame, and the values as the source knows them. Its own
 * figures are left out of the frames, so that these have as many series as were asked for.
 */
export class SimulatedAgent extends Agent {
  /** A quiet agent takes no frames; what is in its ring goes on being sent. */
  isQuiet = false;
  readonly #options: SimulatedAgentOptions;
  readonly #run: number;
  readonly #catalogue: HostCatalogue | undefined;
  #droppedBefore = 0;
  readonly #current: (Episode | undefined)[] = BREACHES.map(() => undefined);

  constructor(options: SimulatedAgentOptions) {
    const { source, clock, table, ringBytesMax, log } = options;
    super({
      insecure: false,
      sources: [source.open],
      wants: (_metric, from) => from === source.name,
      ringBytesMax,
      seriesMax: source.values.length,
      table,
      connectionsMax: 0,
      version: 'simulated',
      log,
      clock,
    });
    this.#options = options;
    // What nobody wants in the frames need not be found out: 5% of a tick.
    this.self.read = () => undefined;
    const { runs } = options.ledger;
    this.#run = runs.length;
    runs.push({
      agent: options.index,
      incarnation: this.store.incarnation,
      dropped: [],
      abandoned: [],
    });
    this.#catalogue = options.catalogues?.of(options.index);
    this.#watchStore();
  }

  override tick(): void {
    if (this.isQuiet) return;
    if (this.#catalogue !== undefined) this.#options.catalogues!.lend(this.#catalogue);
    super.tick();
  }

  /** What its ring says it dropped. */
  get droppedTotal(): number {
    let total = 0;
    for (const { droppedTotal } of this.store.fleets) total += droppedTotal;
    return total;
  }

  get #own(): AgentRun {
    return this.#options.ledger.runs[this.#run]!;
  }

  override async stop(): Promise<void> {
    const { abandoned } = this.#own;
    const { ring } = this.store;
    for (const cursor of this.store.fleets) {
      for (let seq = ring.firstSeq; seq < ring.nextSeq; seq += 1) {
        if (cursor.owes(seq)) abandoned.push(seq);
      }
    }
    await super.stop();
  }

  #watchStore(): void {
    const { store } = this;
    const { catalogues, index } = this.#options;
    const own = this.#catalogue;
    if (own !== undefined) store.catalogueMessage = () => catalogues!.message(index, own);
    const append = store.append.bind(store);
    store.append = (table, timestampMs, takenMs) => {
      const { firstSeq } = store.ring;
      const seq = append(table, timestampMs, takenMs);
      if (store.ring.firstSeq > firstSeq) this.#noteDropped(firstSeq);
      if (seq !== undefined) this.#note(seq, timestampMs);
      return seq;
    };
  }

  /** Room was made by dropping the oldest; a ring that counts none of them has let go what nobody wanted. */
  #noteDropped(firstSeq: number): void {
    const total = this.droppedTotal;
    if (total === this.#droppedBefore) return;
    this.#droppedBefore = total;
    const { dropped } = this.#own;
    for (let seq = firstSeq; seq < this.store.ring.firstSeq; seq += 1) dropped.push(seq);
  }

  #note(seq: number, timestampMs: number): void {
    const { source, ledger } = this.#options;
    checksum(source, sum);
    ledger.add(this.#run, seq, timestampMs, sum);
    for (let i = 0; i < BREACHES.length; i += 1) {
      const episode = this.#current[i];
      const isOn = source.values[i] !== 0;
      if (isOn === (episode !== undefined)) continue;
      if (episode === undefined) this.#current[i] = this.#begun(BREACHES[i]!, timestampMs);
      else this.#current[i] = ended(episode, timestampMs);
    }
  }

  #begun(breach: Breach, fromMs: number): Episode {
    const episode = { agent: this.#options.index, breach, fromMs, toMs: undefined };
    this.#options.ledger.episodes.push(episode);
    return episode;
  }
}

function ended(episode: Episode, toMs: number): undefined {
  episode.toMs = toMs;
}
