import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';

/**
 * Metrics that are read when somebody scrapes, from numbers the code keeps anyway: the hot path only
 * adds to plain fields.
 */
export class ReadMetrics {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(read()),
    });
  }

  /** `read` returns the total since the start. */
  counter(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect() {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  /** Totals by the value of one label. */
  counters(
    name: string,
    help: string,
    label: string,
    read: () => Iterable<readonly [labelValue: string, total: number]>,
  ): void {
    const counter: Counter = new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        counter.reset();
        for (const [value, total] of read()) counter.inc({ [label]: value }, total);
      },
    });
  }

  /** Levels by the value of one label. */
  gauges(
    name: string,
    help: string,
    label: string,
    read: () => Iterable<readonly [labelValue: string, level: number]>,
  ): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        gauge.reset();
        for (const [value, level] of read()) gauge.set({ [label]: value }, level);
      },
    });
  }
}
