import { bytes, count, duration, MISSING, short } from '../../cli/up/quantity.ts';
import { COMPONENTS, MEMBERS } from '../load/load-report.ts';
import type { Component, LoadReport, Quantiles } from '../load/load-report.ts';
import type { Colour } from './chart.ts';

/*
 * What a load report says, in words and in the order of both its page and its table.
 */

/** A number that should be 0. */
export interface Check {
  readonly label: string;
  readonly value: number;
  /** `warning` if the run is still valid, but not quite the one that was asked for. */
  readonly tone: 'good' | 'warning' | 'bad';
}

/** A line of the bill: what one part cost. */
export interface Cost {
  readonly label: string;
  readonly colour: Colour;
  /** Microseconds of CPU for each stored sample. */
  readonly cpuUs: number;
  /** Of `total`, from 0 to 1; undefined if it is no part of that. */
  readonly share?: number | undefined;
  readonly rssPeakBytes?: number;
  /** Over the second half of a long run. */
  readonly rssBytesPerMinute?: number | undefined;
  /** Of a part that has been named before: what it cost after the load had ended. */
  readonly isDrain?: boolean;
}

/** Told apart by people who do not see all colours, in this order. */
export const COLOURS: Readonly<Record<Component, Colour>> = {
  collector: 'blue',
  nats: 'sky',
  writer: 'gold',
  clickhouse: 'orange',
  alerter: 'purple',
};

/** `1,000 agents × 200 metrics every 5 s` */
export function loadOf({ agents, metrics, interval_ms: intervalMs }: LoadReport): string {
  return `${count(agents)} agents × ${count(metrics)} metrics every ${milliseconds(intervalMs)}`;
}

/** How it was run: connections, processes, rules and times. */
export function conditionsOf(report: LoadReport): string[] {
  const { collector, writer, alerter } = report.processes;
  return [
    `${seconds(report.seconds)} measured after ${seconds(report.warm_up_seconds)} of warm-up, ` +
      `then ${seconds(report.drain_seconds)} of drain`,
    report.tls ? 'mutual TLS' : 'plain TCP',
    [plural(collector, 'collector'), plural(writer, 'writer'), plural(alerter, 'alerter')].join(
      ', ',
    ),
    plural(report.rules, 'rule'),
    report.catalogues === 'own' ? 'a catalogue for each agent' : 'one catalogue for all agents',
  ];
}

/** What makes the run worthless, such as `3 samples lost`; empty if every sample was stored once, unchanged. */
export function wrongSamples(report: LoadReport): string[] {
  if (report.samples_sent === 0) return ['no sample was sent'];
  return sampleChecks(report)
    .filter(({ value, label }) => value !== 0 && label !== 'dropped')
    .map(({ value, label }) => `${plural(value, 'sample')} ${label}`);
}

/** Dropped samples are missed too, but were counted by whoever dropped them. */
export function verdictOf(report: LoadReport): Pick<Check, 'label' | 'tone'> {
  const wrong = wrongSamples(report);
  const { samples_dropped: dropped } = report;
  if (dropped !== 0) wrong.push(`${plural(dropped, 'sample')} dropped`);
  if (wrong.length > 0) return { label: wrong.join(', '), tone: 'bad' };
  return { label: 'every sample stored once, unchanged', tone: 'good' };
}

export function checksOf(report: LoadReport): Check[] {
  const { pages, ticks_skipped: skipped } = report;
  return [
    ...sampleChecks(report),
    check('pages missed', pages.missed),
    check('pages repeated', pages.repeated),
    check('pages false', pages.false),
    check('ticks skipped', skipped, 'warning'),
  ];
}

function sampleChecks(report: LoadReport): Check[] {
  return [
    check('lost', report.samples_lost),
    check('duplicated', report.samples_duplicated),
    check('changed', report.samples_changed),
    check('dropped', report.samples_dropped),
  ];
}

function check(label: string, value: number, ifNot: Check['tone'] = 'bad'): Check {
  return { label, value, tone: value === 0 ? 'good' : ifNot };
}

/** The parts of the total, in the order of the road, drain behind ClickHouse. */
export function costsOf(report: LoadReport): Cost[] {
  const { cpu_us_per_sample: cpu, rss_peak_bytes: peak, trend } = report;
  const shareOf = (cpuUs: number) => (cpu.total > 0 ? cpuUs / cpu.total : undefined);
  return COMPONENTS.flatMap((component) => {
    const cost: Cost = {
      label: component,
      colour: COLOURS[component],
      cpuUs: cpu[component],
      share: shareOf(cpu[component]),
      rssPeakBytes: peak[component],
      rssBytesPerMinute: trend?.rss_bytes_per_minute[component],
    };
    if (component !== 'clickhouse') return [cost];
    const cpuUs = cpu.clickhouse_drain;
    return [
      cost,
      { label: 'drain', colour: cost.colour, cpuUs, share: shareOf(cpuUs), isDrain: true },
    ];
  });
}

/** How freshness and parts changed; nothing if the run was too short to tell. */
export function trendsOf({ trend }: LoadReport): string[] {
  if (trend === null) return [];
  const { freshness_ms_per_minute: freshness, parts_per_minute: parts } = trend;
  return [
    `freshness ${signOf(freshness)}${milliseconds(Math.abs(freshness))} a minute`,
    `parts ${signOf(parts)}${short(Math.abs(parts))} a minute`,
  ];
}

/** `machine 71% busy; busiest thread: collector 40%, … of a core` */
export function loadOnMachine(report: LoadReport): string {
  const { busiest_thread_share: busiest, machine_busy_share: busy } = report;
  const threads = MEMBERS.map((role) => `${role} ${percent(busiest[role])}`);
  return `machine ${percent(busy)} busy; busiest thread: ${threads.join(', ')} of a core`;
}

/** What is no part of the total, but stands beside it. */
export function besideCosts(report: LoadReport): Cost[] {
  const { cpu_us_per_sample: cpu, rss_peak_bytes: peak } = report;
  return [
    { label: 'simulator', colour: 'grey', cpuUs: cpu.simulator, rssPeakBytes: peak.simulator },
    { label: 'machine', colour: 'ink', cpuUs: cpu.machine },
  ];
}

export function machineOf(report: LoadReport): (readonly [label: string, value: string])[] {
  const { machine, started_at: startedAt, command, seed } = report;
  const { versions } = machine;
  return [
    ['Processor', `${plural(machine.cores, 'core')}, ${machine.cpu}`],
    ['Memory', bytes(machine.memory_bytes)],
    ['Kernel', machine.kernel],
    ['Node', versions.node],
    ['NATS', versions.nats],
    ['ClickHouse', versions.clickhouse],
    ['Rollcall', `${versions.rollcall}, ${machine.commit}`],
    ['Started', startedAt],
    ['Command', command],
    ['Seed', String(seed)],
  ];
}

/** Nothing if nothing was measured: the quantiles of nothing are not 0. */
export function quantile({ count, ...of }: Quantiles, which: 'p50' | 'p99' | 'max'): string {
  return count === 0 ? MISSING : milliseconds(of[which]);
}

/** `0.42 ms`, `812 ms`, `1.25 s`, `3m 07s` */
export function milliseconds(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return MISSING;
  if (Math.abs(value) < 999.5) return `${short(value)} ms`;
  return value < 60_000 ? `${short(value / 1000)} s` : duration(value / 1000);
}

/** Microseconds of CPU, with three decimals: parts cost hundredths of one. */
export function cpuMicros(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : MISSING;
}

/** A share from 0 to 1: `7.0%`, `29%` */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return MISSING;
  return `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)}%`;
}

/** A change of memory with its sign. */
export function growth(changeBytes: number): string {
  if (Math.abs(changeBytes) < 1 || !Number.isFinite(changeBytes))
    return bytes(Number.isFinite(changeBytes) ? 0 : undefined);
  return (changeBytes > 0 ? '+' : '−') + bytes(Math.abs(changeBytes));
}

const signOf = (value: number): string => (value < 0 ? '−' : '+');

/** `1 rule`, `1,000 agents` */
function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

function seconds(value: number): string {
  return `${count(value)} s`;
}
