import { paint } from '../../cli/up/line.ts';
import type { Line, Span, Style } from '../../cli/up/line.ts';
import { bytes, count, short } from '../../cli/up/quantity.ts';
import { layOut } from '../../cli/up/table.ts';
import type { Cell, Column } from '../../cli/up/table.ts';
import { neutralise } from '../../cli/up/text-cell.ts';
import type { LoadReport, Quantiles } from '../load/load-report.ts';
import { besideCosts, checksOf, conditionsOf, costsOf, cpuMicros } from './load-summary.ts';
import { growth, loadOf, loadOnMachine, machineOf, percent, quantile } from './load-summary.ts';
import { trendsOf, verdictOf } from './load-summary.ts';
import type { Check, Cost } from './load-summary.ts';

/** Wider than any of it: what is cut here could not be read anywhere. */
const WIDTH = 1000;

/** A load run for a terminal: the figures of its page, in the same order, each line with a line end. */
export function loadTable(report: LoadReport, { colour }: { readonly colour: boolean }): string {
  const { label, tone } = verdictOf(report);
  const lines: Line[] = [
    [{ text: loadOf(report), style: 'strong' }],
    [{ text: conditionsOf(report).join('; ') }],
    [],
    [marked(tone, label)],
    [{ text: samples(report) }],
    separated(checksOf(report).map(checkSpan)),
    [],
    ...costTable(report),
    [],
    ...latencyTable(report),
    [],
    [{ text: sizes(report) }],
    [{ text: [loadOnMachine(report), ...trendsOf(report)].join('; ') }],
    [{ text: neutralise(machine(report)), style: 'dim' }],
  ];
  return lines.map((line) => `${paint(line, colour)}\n`).join('');
}

const MARKS = { good: '✓', warning: '!', bad: '✗' } as const;

function marked(tone: Check['tone'], text: string): Span {
  return { text: `${MARKS[tone]} ${text}`, style: tone };
}

/** Only what is not 0 stands out. */
function checkSpan({ label, value, tone }: Check): Span {
  const text = `${count(value)} ${label}`;
  return tone === 'good' ? { text } : { text, style: tone };
}

function separated(spans: readonly Span[]): Line {
  return spans.flatMap((span, i) => (i === 0 ? [span] : [{ text: ', ' }, span]));
}

function samples(report: LoadReport): string {
  const { samples_per_second: rate, samples_sent: sent, samples_stored: stored } = report;
  return `${short(rate)} samples/s, ${count(sent)} sent, ${count(stored)} stored`;
}

function columns(titles: readonly string[]): { readonly all: Column[]; readonly head: Cell[] } {
  return {
    all: titles.map((_, i) => ({ align: i === 0 ? 'left' : 'right' })),
    head: titles.map((text) => ({ text, style: 'dim' })),
  };
}

function costTable(report: LoadReport): Line[] {
  const { total } = report.cpu_us_per_sample;
  const { all, head } = columns(['', 'µs a sample', 'share', 'memory, peak', 'a minute']);
  return layOut(
    all,
    [
      head,
      ...costsOf(report).map((cost) => costRow(cost)),
      costRow(
        { label: 'total', cpuUs: total, share: 1, rssPeakBytes: report.rss_peak_bytes.total },
        'strong',
      ),
      ...besideCosts(report).map((cost) => costRow(cost, 'dim')),
    ],
    WIDTH,
  );
}

function costRow(cost: Omit<Cost, 'colour'>, style?: Style): Cell[] {
  const { label, cpuUs, share, rssPeakBytes, rssBytesPerMinute } = cost;
  return [
    label,
    cpuMicros(cpuUs),
    share === undefined ? '' : percent(share),
    rssPeakBytes === undefined ? '' : bytes(rssPeakBytes),
    rssBytesPerMinute === undefined ? '' : growth(rssBytesPerMinute),
  ].map((text) => ({ text, style }));
}

function latencyTable(report: LoadReport): Line[] {
  const { all, head } = columns(['', 'p50', 'p99', 'max', 'count']);
  return layOut(
    all,
    [
      head,
      latencyRow('freshness', report.freshness_ms),
      latencyRow('alert latency', report.alert_latency_ms),
    ],
    WIDTH,
  );
}

function latencyRow(label: string, of: Quantiles): Cell[] {
  const known = (['p50', 'p99', 'max'] as const).map((which) => quantile(of, which));
  return [label, ...known, count(of.count)].map((text) => ({ text }));
}

function sizes(report: LoadReport): string {
  const { wire_bytes_per_sample: wire, disk_bytes_per_sample: disk, parts, agents } = report;
  return (
    `${bytes(wire)} a sample on the wire, ${bytes(disk)} on disk in ${count(parts)} parts; ` +
    `${bytes(report.rss_peak_bytes.total / agents)} of memory an agent, ` +
    `${bytes(report.collector_bytes_per_connection)} of a collector's a connection`
  );
}

function machine(report: LoadReport): string {
  return machineOf(report)
    .map(([label, value]) => `${label} ${value}`)
    .join('; ');
}
