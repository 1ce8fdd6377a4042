import type { SeriesSink, Source } from '../../agent/source.ts';
import { BREACHES } from '../fleet/fleet-source.ts';
import type { Breach, FleetSource } from '../fleet/fleet-source.ts';
import { mixed } from '../fleet/random.ts';
import type { Replay } from './replay.ts';

/** The name of the source. */
export const RECORDED = 'recorded';
/** Hosts differ in how much of their counters' first values they add to them: one of so many shares. */
const SHARES = 2 ** 20;

/**
 * One simulated server that repeats a recording, again and again, from a tick of its own on: counters grow from lap to
 * lap and begin at a value of the host's own; gauges are as they were. `values` and `present` are the
 * replay's, and good until another host is read.
 */
export class RecordedSource implements FleetSource {
  readonly name = RECORDED;
  readonly values: Float64Array;
  readonly present: Uint8Array;
  readonly weights: Uint32Array;
  readonly #replay: Replay;
  readonly #share: number;
  /** 1 for a breach that is on. */
  readonly #breaches = new Uint8Array(BREACHES.length);
  #slots: Int32Array | undefined;
  #isReopened = false;
  #tick: number;
  #lap = 0;

  constructor(replay: Replay, seed: number) {
    this.#replay = replay;
    this.values = replay.values;
    this.present = replay.present;
    this.weights = replay.weights;
    this.#tick = mixed(seed) % replay.ticks;
    this.#share = (mixed(mixed(seed) + 1) % SHARES) / SHARES;
  }

  /** The slots that it has are asked for anew if it was open before. */
  readonly open = (): Source => {
    this.#isReopened = this.#slots !== undefined;
    this.#slots = undefined;
    return this;
  };

  set(breach: Breach, isOn: boolean): void {
    this.#breaches[BREACHES.indexOf(breach)] = isOn ? 1 : 0;
  }

  read(sink: SeriesSink): void {
    const slots = (this.#slots ??= this.#declared(sink));
    this.#compute();
    const { values } = this;
    for (let i = 0; i < values.length; i += 1) sink.set(slots[i]!, values[i]!);
  }

  close(): void {}

  #declared(sink: SeriesSink): Int32Array {
    return this.#isReopened ? this.#replay.declare(sink) : this.#replay.slotsOf(sink);
  }

  /** The next tick's values; the comment of `Replay` says how. */
  #compute(): void {
    const { rows, growth, first, factor, divisor, second, values, count, ticks } = this.#replay;
    const at = this.#tick * count;
    const lap = this.#lap;
    const share = this.#share;
    for (let i = 0; i < BREACHES.length; i += 1) values[i] = this.#breaches[i]!;
    for (let i = BREACHES.length; i < count; i += 1) {
      const mantissa = rows[at + i]! + growth[i]! * lap + Math.floor(first[i]! * share);
      values[i] = (mantissa * factor[i]!) / divisor[i]! / second[i]!;
    }
    this.#tick += 1;
    if (this.#tick < ticks) return;
    this.#tick = 0;
    this.#lap += 1;
  }
}
