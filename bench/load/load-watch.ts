import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../fleet/fleet.ts';
import { machineBusyNs } from '../process/machine-busy.ts';
import { processUsage } from '../process/process-usage.ts';
import type { Part } from '../system/part.ts';
import type { System } from '../system/system.ts';
import type { FreshnessProbe } from './freshness-probe.ts';
import { COMPONENTS } from './load-report.ts';
import type { Component, TimelineRow } from './load-report.ts';

/** Whose CPU is told apart. */
export type Consumer = Component | 'simulator' | 'machine';

/** Nanoseconds of CPU since each began. */
export type CpuNs = Readonly<Record<Consumer, number>>;

/** A state of everything at one instant; totals since the beginning. */
interface Reading {
  readonly atMs: number;
  readonly cpuNs: CpuNs;
  readonly rssBytes: Readonly<Record<Component | 'simulator', number>>;
  readonly framesSent: number;
  readonly samplesStored: number;
}

const PARTS_QUERY = `
SELECT count() AS parts FROM system.parts WHERE active AND database = '{database}' AND table IN ('series_minutes', 'samples_recent')`;
const SHORT_ROW_MS = 2000;
const LONG_ROW_MS = 5000;
/** Longer runs have longer rows. */
const SHORT_RUN_SECONDS = 180;

/** Looks at everything again and again while a load runs: what each part uses, and what waits where. */
export class LoadWatch {
  readonly rows: TimelineRow[] = [];
  readonly rssPeakBytes: Record<Component | 'total' | 'simulator', number>;
  readonly #system: System;
  readonly #fleet: Fleet;
  readonly #probe: FreshnessProbe;
  readonly #metrics: number;
  readonly #rowMs: number;
  readonly #onRow: (row: TimelineRow) => void;
  readonly #stop = new AbortController();
  #zeroMs = performance.now();
  #running: Promise<void> = Promise.resolve();

  constructor(parts: {
    system: System;
    fleet: Fleet;
    probe: FreshnessProbe;
    metrics: number;
    seconds: number;
    onRow: (row: TimelineRow) => void;
  }) {
    this.#system = parts.system;
    this.#fleet = parts.fleet;
    this.#probe = parts.probe;
    this.#metrics = parts.metrics;
    this.#onRow = parts.onRow;
    this.#rowMs = parts.seconds > SHORT_RUN_SECONDS ? LONG_ROW_MS : SHORT_ROW_MS;
    this.rssPeakBytes = { ...perComponent(() => 0), total: 0, simulator: 0 };
  }

  /** @param warmUpMs from now until the measurement begins */
  start(warmUpMs: number): void {
    this.#zeroMs = performance.now() + warmUpMs;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** What everything has used so far. */
  cpuNs(): CpuNs {
    return {
      ...perComponent((component) => sum(this.pids(component).map(cpuOf))),
      simulator: sum(this.#fleet.pids.map(cpuOf)),
      machine: machineBusyNs(),
    };
  }

  /** The processes of a part that live. */
  pids(component: Component): number[] {
    return partsOf(this.#system, component).flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let before = await this.#read();
    while (!signal.aborted) {
      await sleep(this.#rowMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const now = await this.#read();
      const row = await this.#row(before, now);
      before = now;
      this.rows.push(row);
      this.#onRow(row);
    }
  }

  async #read(): Promise<Reading> {
    const { frames } = await this.#fleet.status();
    const samplesStored = await this.#system.sum('writer', 'rollcall_writer_samples_total');
    const rssBytes = {
      ...perComponent((component) => sum(this.pids(component).map(rssOf))),
      simulator: sum(this.#fleet.pids.map(rssOf)),
    };
    const total = sum(COMPONENTS.map((component) => rssBytes[component]));
    const { rssPeakBytes } = this;
    for (const name of [...COMPONENTS, 'simulator'] as const) {
      rssPeakBytes[name] = Math.max(rssPeakBytes[name], rssBytes[name]);
    }
    rssPeakBytes.total = Math.max(rssPeakBytes.total, total);
    const atMs = performance.now();
    return { atMs, cpuNs: this.cpuNs(), rssBytes, framesSent: frames, samplesStored };
  }

  async #row(before: Reading, now: Reading): Promise<TimelineRow> {
    const seconds = (now.atMs - before.atMs) / 1000;
    // What a process that has ended used is forgotten.
    const cores = (consumer: Consumer): number =>
      Math.max(0, now.cpuNs[consumer] - before.cpuNs[consumer]) / 1e9 / seconds;
    return {
      seconds: (now.atMs - this.#zeroMs) / 1000,
      samples_sent_per_second: ((now.framesSent - before.framesSent) * this.#metrics) / seconds,
      samples_stored_per_second: Math.max(0, now.samplesStored - before.samplesStored) / seconds,
      freshness_ms: this.#probe.latestMs,
      cpu_cores: {
        ...perComponent(cores),
        simulator: cores('simulator'),
        machine: cores('machine'),
      },
      rss_bytes: now.rssBytes,
      ...(await this.#queues()),
    };
  }

  async #queues(): Promise<Pick<TimelineRow, 'queue_bytes' | 'alerter_lag_messages' | 'parts'>> {
    const system = this.#system;
    const { unacknowledged, frames, bytesSent } = await this.#fleet.status();
    const [row] = await system.store.rows<{ parts: string }>(PARTS_QUERY);
    const collectors = await system.metrics('collector');
    const [writer] = await system.metrics('writer');
    return {
      queue_bytes: {
        rings: frames === 0 ? 0 : (unacknowledged * bytesSent) / frames,
        collector: sum(
          collectors.map(
            (each) =>
              each.sum('rollcall_collector_publish_in_flight_bytes') +
              each.sum('rollcall_collector_batch_bytes'),
          ),
        ),
        // Every writer tells of all streams.
        streams: writer?.sum('rollcall_stream_bytes') ?? 0,
        writer: await system.sum('writer', 'rollcall_writer_buffer_bytes'),
      },
      alerter_lag_messages: await system.sum('alerter', 'rollcall_alerter_lag_messages'),
      parts: Number(row?.parts ?? 0),
    };
  }
}

function partsOf(system: System, component: Component): readonly Part[] {
  if (component === 'nats') return [system.nats];
  if (component === 'clickhouse') return [system.clickhouse];
  return system.of(component).map(({ part }) => part);
}

export function perComponent(of: (component: Component) => number): Record<Component, number> {
  const entries = COMPONENTS.map((component) => [component, of(component)] as const);
  return Object.fromEntries(entries) as Record<Component, number>;
}

const cpuOf = (pid: number): number => processUsage(pid).cpuNs;
const rssOf = (pid: number): number => processUsage(pid).rssBytes;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
