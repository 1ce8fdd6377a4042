import { COMPONENTS } from '../load/load-report.ts';
import type { LoadReport, TimelineRow } from '../load/load-report.ts';
import type { Chart, ChartGrid, ChartSeries, Colour } from './chart.ts';
import { COLOURS } from './load-summary.ts';

/** What queues hold in the best case; below it nobody cares how much. */
const QUEUE_FLOOR_BYTES = 1024;

/** What happened in a load run, over time. */
export function loadCharts(report: LoadReport): ChartGrid {
  const { timeline, seconds } = report;
  const x = timeline.map((row) => row.seconds);
  const first = x.at(0) ?? 0;
  const last = x.at(-1) ?? 0;
  return {
    x,
    xUnit: 'seconds',
    shaded: [
      ...(first < 0 ? [{ from: first, to: 0, label: 'warm-up' }] : []),
      ...(last > seconds ? [{ from: seconds, to: last, label: 'drain' }] : []),
    ],
    meansOver: { from: 0, to: seconds },
    charts: [
      throughput(report),
      freshness(timeline),
      cpu(report),
      memory(timeline),
      queues(timeline),
      alerterLag(timeline),
      parts(timeline),
    ],
  };
}

type Rows = readonly TimelineRow[];

function line(
  label: string,
  colour: Colour,
  rows: Rows,
  of: (row: TimelineRow) => number | undefined,
): ChartSeries {
  return { label, colour, values: rows.map(of) };
}

function throughput({ timeline, agents, metrics, interval_ms: intervalMs }: LoadReport): Chart {
  const asked = (agents * metrics * 1000) / intervalMs;
  return {
    title: 'Throughput',
    note: 'samples per second',
    unit: 'count',
    isWide: true,
    series: [
      line('sent', 'blue', timeline, (row) => row.samples_sent_per_second),
      line('stored', 'orange', timeline, (row) => row.samples_stored_per_second),
      { ...line('asked for', 'ink', timeline, () => asked), look: 'dashed' },
    ],
  };
}

function freshness(timeline: Rows): Chart {
  return {
    title: 'Freshness',
    note: 'age of the newest sample that a query finds',
    unit: 'milliseconds',
    series: [line('freshness', 'blue', timeline, (row) => row.freshness_ms)],
  };
}

function cpu({ timeline, machine }: LoadReport): Chart {
  return {
    title: 'CPU',
    note: `cores busy, of ${machine.cores}`,
    unit: 'cores',
    isStacked: true,
    series: [
      ...COMPONENTS.map((name) =>
        line(name, COLOURS[name], timeline, (row) => row.cpu_cores[name]),
      ),
      line('simulator', 'grey', timeline, (row) => row.cpu_cores.simulator),
      { ...line('machine', 'ink', timeline, (row) => row.cpu_cores.machine), look: 'dashed' },
    ],
  };
}

function memory(timeline: Rows): Chart {
  return {
    title: 'Memory',
    note: 'resident',
    unit: 'bytes',
    isStacked: true,
    series: [
      ...COMPONENTS.map((name) =>
        line(name, COLOURS[name], timeline, (row) => row.rss_bytes[name]),
      ),
      line('simulator', 'grey', timeline, (row) => row.rss_bytes.simulator),
    ],
  };
}

function queues(timeline: Rows): Chart {
  const colours = { rings: 'ink', collector: 'blue', streams: 'sky', writer: 'gold' } as const;
  const names = ['rings', 'collector', 'streams', 'writer'] as const;
  return {
    title: 'Queues',
    note: 'what waits on the road',
    unit: 'bytes',
    logarithmicFrom: QUEUE_FLOOR_BYTES,
    series: names.map((name) =>
      line(name, colours[name], timeline, (row) => row.queue_bytes[name]),
    ),
  };
}

function alerterLag(timeline: Rows): Chart {
  return {
    title: 'Alerter lag',
    note: 'messages not yet evaluated',
    unit: 'count',
    series: [line('messages', 'purple', timeline, (row) => row.alerter_lag_messages)],
  };
}

function parts(timeline: Rows): Chart {
  return {
    title: 'Parts',
    note: 'active parts of samples',
    unit: 'count',
    series: [line('parts', 'orange', timeline, (row) => row.parts)],
  };
}
