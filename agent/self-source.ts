import { memoryUsage } from 'node:process';
import type { Label } from '../pipeline/wire/catalogue.ts';
import type { Agent } from './agent.ts';
import { SELDOM_READS } from './sources/kernel-file.ts';
import { SELF } from './series-table.ts';
import type { Metric, SeriesSink, Source } from './source.ts';

const counter = (name: string, help: string, unit = ''): Metric => ({
  name: `rollcall_agent_${name}`,
  kind: 'counter',
  unit,
  help,
});
const gauge = (name: string, help: string, unit = ''): Metric => ({
  name: `rollcall_agent_${name}`,
  kind: 'gauge',
  unit,
  help,
});

const METRICS = {
  skipped: counter('ticks_skipped_total', 'Ticks that could not be run in time.'),
  tickSeconds: gauge('tick_seconds', 'Time the latest reading of all sources took.', 'seconds'),
  cpuSeconds: counter('cpu_seconds_total', 'CPU time the agent has used.', 'seconds'),
  residentBytes: gauge('resident_memory_bytes', 'Resident memory of the agent.', 'bytes'),
  connections: gauge('connections', 'Open connections from collectors.'),
  refused: counter('connections_refused_total', 'Connections refused before they said a word.'),
  ringFrames: gauge('ring_frames', 'Frames some fleet has not acknowledged.'),
  ringBytes: gauge('ring_bytes', 'Bytes of these frames.', 'bytes'),
  ringBytesMax: gauge('ring_max_bytes', 'Bytes the ring can hold.', 'bytes'),
  ringFill: gauge('ring_fill_ratio', 'Share of the ring that is used, 0 to 1.', 'ratio'),
  oversized: counter('frames_oversized_total', 'Frames that were larger than the whole ring.'),
  dropped: counter('ring_dropped_frames_total', 'Unacknowledged frames the full ring dropped.'),
  renamed: counter(
    'renamed_dropped_frames_total',
    'Unacknowledged frames dropped because the agent became another target.',
  ),
  series: gauge('series', 'Series that have a place in the frames.'),
  seriesMax: gauge('series_max', 'Series that may have a place in the frames.'),
  seriesRefused: counter('series_refused_total', 'Series refused for want of a place, by source.'),
  malformed: counter('malformed_total', 'Kernel files that could not be understood.'),
  ended: counter('connections_ended_total', 'Connections ended, by reason.'),
  info: gauge('build_info', 'Always 1; the labels say what runs.'),
} as const;

/** Different reasons counted apart; a peer's own texts must not grow the catalogue. */
const REASONS_MAX = 16;

/** The agent's figures about itself, in its own exposition and frames. */
export class SelfSource implements Source {
  readonly name = SELF;
  readonly #agent: Agent;
  readonly #ended = new Map<string, number>();
  readonly #slots = new Map<Metric, number>();
  readonly #labelled = new Map<Metric, Map<string, number>>();
  #tickSeconds = 0;
  #refused = 0;
  #resident = 0;
  #readsToMeasure = 0;

  constructor(agent: Agent) {
    this.#agent = agent;
  }

  tickTook(ms: number): void {
    this.#tickSeconds = ms / 1000;
  }

  refused(): void {
    this.#refused += 1;
  }

  ended(code: string): void {
    const reason = this.#ended.has(code) || this.#ended.size < REASONS_MAX ? code : 'other';
    this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
  }

  read(sink: SeriesSink): void {
    const { store, table, ticker, sessionCount, version } = this.#agent;
    const cpu = process.cpuUsage();
    this.#set(sink, METRICS.skipped, ticker.skippedTotal);
    this.#set(sink, METRICS.tickSeconds, this.#tickSeconds);
    this.#set(sink, METRICS.cpuSeconds, (cpu.user + cpu.system) / 1e6);
    this.#set(sink, METRICS.residentBytes, this.#residentBytes());
    this.#set(sink, METRICS.connections, sessionCount);
    this.#set(sink, METRICS.refused, this.#refused);
    this.#set(sink, METRICS.ringFrames, store.ring.frames);
    this.#set(sink, METRICS.ringBytes, store.ring.bytes);
    this.#set(sink, METRICS.ringBytesMax, store.ring.bytesMax);
    this.#set(sink, METRICS.ringFill, store.ring.bytes / store.ring.bytesMax);
    this.#set(sink, METRICS.oversized, store.oversizedTotal);
    this.#set(sink, METRICS.series, table.seriesCount);
    this.#set(sink, METRICS.seriesMax, table.seriesMax);
    for (const cursor of store.fleets) {
      const { fleet, droppedTotal, renamedTotal } = cursor;
      this.#setLabelled(sink, METRICS.dropped, ['fleet', fleet], droppedTotal);
      if (renamedTotal > 0) {
        this.#setLabelled(sink, METRICS.renamed, ['fleet', fleet], renamedTotal);
      }
    }
    for (const [source, count] of table.refusedTotal) {
      this.#setLabelled(sink, METRICS.seriesRefused, ['source', source], count);
    }
    for (const [source, count] of table.malformedTotal) {
      this.#setLabelled(sink, METRICS.malformed, ['source', source], count);
    }
    for (const [reason, count] of this.#ended) {
      this.#setLabelled(sink, METRICS.ended, ['reason', reason], count);
    }
    this.#setLabelled(sink, METRICS.info, ['version', version], 1);
  }

  close(): void {}

  /** Finding that out takes the system as long as several sources take: it is done now and then. */
  #residentBytes(): number {
    if (this.#readsToMeasure === 0) {
      this.#resident = memoryUsage.rss();
      this.#readsToMeasure = SELDOM_READS;
    }
    this.#readsToMeasure -= 1;
    return this.#resident;
  }

  #set(sink: SeriesSink, metric: Metric, value: number): void {
    let slot = this.#slots.get(metric);
    if (slot === undefined) {
      slot = sink.declare(metric);
      this.#slots.set(metric, slot);
    }
    sink.set(slot, value);
  }

  #setLabelled(sink: SeriesSink, metric: Metric, label: Label, value: number): void {
    let slots = this.#labelled.get(metric);
    if (slots === undefined) {
      slots = new Map();
      this.#labelled.set(metric, slots);
    }
    let slot = slots.get(label[1]);
    if (slot === undefined) {
      slot = sink.declare(metric, [label]);
      slots.set(label[1], slot);
    }
    sink.set(slot, value);
  }
}
