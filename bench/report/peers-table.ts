import { paint } from '../../cli/up/line.ts';
import type { Line } from '../../cli/up/line.ts';
import { bytes } from '../../cli/up/quantity.ts';
import { layOut } from '../../cli/up/table.ts';
import type { Cell, Column } from '../../cli/up/table.ts';
import { neutralise } from '../../cli/up/text-cell.ts';
import { PEERS } from '../peers/peer.ts';
import type { PeersReport } from '../peers/peers-report.ts';
import { cpuMicros } from './load-summary.ts';
import { figuresOf, fleetOf, NAMES, OTHERS, partsOf, stagesOf } from './peers-summary.ts';
import { times, verdictOf, versionsOf } from './peers-summary.ts';
import type { Figure, FigureGroup } from './peers-summary.ts';

/** Wider than any of it: what is cut here could not be read anywhere. */
const WIDTH = 1000;

/** A comparison for a terminal: the figures of its page, in the same order, each line with a line end. */
export function peersTable(report: PeersReport, { colour }: { readonly colour: boolean }): string {
  const { label, tone } = verdictOf(report);
  const lines: Line[] = [
    [{ text: fleetOf(report), style: 'strong' }],
    [{ text: stagesOf(report).join('; ') }],
    [],
    [{ text: `${tone === 'good' ? '✓' : '✗'} ${label}`, style: tone }],
    ...report.problems.map((problem): Line => [{ text: neutralise(problem), style: 'bad' }]),
    [],
    ...figureTable(figuresOf(report)),
    ...partTable(report),
    [],
    [{ text: neutralise(versionsOf(report)), style: 'dim' }],
  ];
  return lines.map((line) => `${paint(line, colour)}\n`).join('');
}

/** One table, so that its columns are the same for all groups. */
function figureTable(groups: readonly FigureGroup[]): Line[] {
  const titles = [...PEERS.map((name) => NAMES[name]), ...OTHERS.map((name) => `${NAMES[name]} ÷`)];
  const head: Cell[] = ['', ...titles].map((text) => ({ text, style: 'dim' }));
  const rows = groups.flatMap(({ title, figures }) => [
    [{ text: title, style: 'strong' as const }, ...titles.map(() => ({ text: '' }))],
    ...figures.map(figureRow),
  ]);
  return layOut(columns(titles.length + 1), [head, ...rows], WIDTH);
}

function figureRow({ label, texts, ratios }: Figure): Cell[] {
  return [`  ${label}`, ...texts, ...ratios.map(times)].map((text) => ({ text }));
}

function partTable(report: PeersReport): Line[] {
  const parts = partsOf(report);
  if (parts.length === 0) return [];
  const { drain_us_per_sample: drain = 0 } = report.peers.rollcall.ingest ?? {};
  const head: Cell[] = ["Rollcall's parts", 'µs a sample', 'idling, cores', 'memory, peak'].map(
    (text, i) => ({ text, style: i === 0 ? 'strong' : 'dim' }),
  );
  const rows = parts.map((part) => [
    `  ${part.part}`,
    cpuMicros(part.cpu_us_per_sample),
    part.idle_cores.toFixed(3),
    bytes(part.rss_peak_bytes),
  ]);
  rows.push(['  drain', cpuMicros(drain), '', '']);
  const cells = rows.map((row) => row.map((text): Cell => ({ text })));
  return [[], ...layOut(columns(4), [head, ...cells], WIDTH)];
}

function columns(count: number): Column[] {
  return Array.from({ length: count }, (_, i) => ({ align: i === 0 ? 'left' : 'right' }));
}
