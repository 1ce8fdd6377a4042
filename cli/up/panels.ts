import { fitLine, lineWidth } from './line.ts';
import type { Line, Span, Style } from './line.ts';
import { age, bytes, clockTime, count, duration, MISSING, short } from './quantity.ts';
import type { ServiceState } from './service.ts';
import type { AlertLine, QueueDepth, Snapshot } from './snapshot.ts';
import { layOut } from './table.ts';
import type { Cell, Column } from './table.ts';
import { neutralise } from './text-cell.ts';

/** A part of the screen: a heading over as many lines of its body as it is given. */
export interface Panel {
  readonly heading: Line;
  readonly body: readonly Line[];
  /** Rows that are not even in the body. */
  readonly beyond: number;
}

/** A fleet that breaks down has more alerts than a terminal has lines; these many are laid out. */
const ROWS_MAX = 100;

const RULE = '─';
const GROUP_GAP = '   ';
const BAR_CELLS = 6;
const BAR_SHARE_MIN = 0.01;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const QUEUE_WARNING_SHARE = 0.5;
const QUEUE_BAD_SHARE = 0.8;
/** Three ticks of 5 s. */
const FRESHNESS_WARNING_SECONDS = 15;

const SERVICE_STYLE: Record<ServiceState, Style> = {
  waiting: 'dim',
  starting: 'warning',
  ready: 'good',
  restarting: 'bad',
  stopping: 'warning',
  stopped: 'dim',
  failed: 'bad',
};

/** Whose screen this is, and the figures that matter most, in as many lines as they need. */
export function headLines(snapshot: Snapshot, width: number): Line[] {
  const clock = clockTime(snapshot.nowMs);
  const name: Span[] = [{ text: 'Rollcall', style: 'strong' }];
  if (snapshot.title !== undefined) name.push({ text: `  ${neutralise(snapshot.title)}` });
  const top = fitLine(name, Math.max(0, width - clock.length - 1));
  return [
    [...top, { text: ' ' }, { text: clock, style: 'dim' }],
    ...packed(figures(snapshot), width),
  ];
}

function figures(snapshot: Snapshot): Line[] {
  const { targetsUp, targetsDown, samplesInPerSecond, samplesStoredPerSecond } = snapshot;
  const { freshnessSeconds } = snapshot;
  // What components say of themselves is stored, and came in through no collector.
  const storesMore = (samplesStoredPerSecond ?? 0) > (samplesInPerSecond ?? Infinity);
  const isStale = (freshnessSeconds ?? 0) > FRESHNESS_WARNING_SECONDS;
  return [
    [
      { text: 'Targets ', style: 'dim' },
      { text: `${count(targetsUp)} up, ` },
      { text: `${count(targetsDown)} down`, style: (targetsDown ?? 0) > 0 ? 'bad' : undefined },
    ],
    [
      { text: 'Samples ', style: 'dim' },
      { text: `${short(samplesInPerSecond)}/s in, ${short(samplesStoredPerSecond)}/s stored` },
      ...(storesMore ? [{ text: ' with own', style: 'dim' as const }] : []),
    ],
    [
      { text: 'Fresh ', style: 'dim' },
      { text: duration(freshnessSeconds), style: isStale ? 'warning' : undefined },
    ],
  ];
}

/** Groups side by side, on a further line where there is no room. */
function packed(groups: readonly Line[], width: number): Line[] {
  const lines: Line[] = [];
  for (const group of groups) {
    const last = lines.at(-1);
    const joined = last === undefined ? group : [...last, { text: GROUP_GAP }, ...group];
    if (last === undefined || lineWidth(joined) > width) lines.push(group);
    else lines[lines.length - 1] = joined;
  }
  return lines;
}

export function servicesPanel({ services, nowMs }: Snapshot, width: number): Panel {
  const header: Cell[] = ['name', 'pid', 'state', 'restarts', 'since'].map(dim);
  const rows = services.map(({ name, pid, state, restarts, sinceMs }): Cell[] => [
    { text: name },
    { text: pid === undefined ? MISSING : String(pid) },
    { text: state, style: SERVICE_STYLE[state] },
    { text: String(restarts), style: restarts > 0 ? 'warning' : undefined },
    { text: age(sinceMs, nowMs) },
  ]);
  const right = { align: 'right' } as const;
  const columns = [{}, right, {}, right, right];
  return panel(heading('Services', [], width), columns, [header, ...rows], width);
}

export function queuesPanel({ queues }: Snapshot, width: number): Panel {
  const header: Cell[] = ['name', 'full', 'holds'].map(dim);
  const rows = queues.map((queue): Cell[] => {
    const { name, unit, value } = queue;
    return [{ text: name }, bar(queue), { text: unit === 'bytes' ? bytes(value) : short(value) }];
  });
  const columns = [{}, {}, { align: 'right' } as const];
  return panel(heading('Queues', [], width), columns, [header, ...rows], width);
}

function bar({ value, max }: QueueDepth): Cell {
  const share = value === undefined || max === undefined || max <= 0 ? Number.NaN : value / max;
  if (!Number.isFinite(share)) return { text: MISSING };
  const text = barText(Math.min(1, Math.max(0, share)));
  if (share >= QUEUE_BAD_SHARE) return { text, style: 'bad' };
  return { text, style: share >= QUEUE_WARNING_SHARE ? 'warning' : 'good' };
}

/** Lit to an eighth of a cell; what is not empty, from a hundredth on, shows at least that. */
function barText(share: number): string {
  const rounded = Math.round(share * BAR_CELLS * 8);
  const eighths = share >= BAR_SHARE_MIN ? Math.max(1, rounded) : 0;
  const lit = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  return lit.padEnd(BAR_CELLS, '░');
}

export function alertsPanel({ alerts, nowMs }: Snapshot, width: number): Panel {
  const number = (state: string) => alerts.filter((alert) => alert.state === state).length;
  const [firing, pending] = [number('firing'), number('pending')];
  const summary: Span[] = [];
  if (firing > 0) summary.push({ text: `${firing} firing`, style: 'bad' });
  if (pending > 0) summary.push({ text: `${pending} pending`, style: 'warning' });
  const rows = alerts
    .toSorted(byUrgency)
    .map(({ name, instance, state, sinceMs }): Cell[] => [
      { text: state, style: alertStyle(state) },
      { text: name, style: 'strong' },
      { text: instance ?? MISSING },
      { text: age(sinceMs, nowMs) },
    ]);
  const columns = [{}, {}, {}, { align: 'right' } as const];
  return panel(heading('Alerts', summary, width), columns, rows, width);
}

/** Firing before pending before the rest, the newest first. */
function byUrgency(a: AlertLine, b: AlertLine): number {
  return rank(a.state) - rank(b.state) || (b.sinceMs ?? 0) - (a.sinceMs ?? 0);
}

function rank(state: string): number {
  const at = ['firing', 'pending'].indexOf(state);
  return at < 0 ? 2 : at;
}

function alertStyle(state: string): Style | undefined {
  if (state === 'firing') return 'bad';
  if (state === 'pending') return 'warning';
  return state === 'resolved' || state === 'inactive' ? 'good' : undefined;
}

export function notificationsPanel({ notifications }: Snapshot, width: number): Panel {
  const newestFirst = notifications.toSorted((a, b) => b.timeMs - a.timeMs);
  const rows = newestFirst.map(({ timeMs, receiver, status, alert, outcome }): Cell[] => [
    { text: clockTime(timeMs), style: 'dim' },
    { text: status, style: alertStyle(status) },
    { text: alert, style: 'strong' },
    { text: receiver },
    { text: outcome, style: outcomeStyle(outcome) },
  ]);
  return panel(heading('Notifications', [], width), [{}, {}, {}, {}, {}], rows, width);
}

function outcomeStyle(outcome: string): Style | undefined {
  if (outcome === 'delivered') return 'good';
  return outcome.startsWith('failed') ? 'bad' : undefined;
}

export function hintLines({ hints }: Snapshot): Line[] {
  return hints.map((hint) => [{ text: neutralise(hint), style: 'dim' }]);
}

/** `Alerts  2 firing, 1 pending ──────` */
function heading(title: string, summary: readonly Span[], width: number): Line {
  const spans: Span[] = [{ text: title, style: 'strong' }];
  for (const [index, span] of summary.entries()) {
    spans.push({ text: index === 0 ? '  ' : ', ' }, span);
  }
  const rule = RULE.repeat(Math.max(0, width - lineWidth(spans) - 1));
  return [...spans, { text: ` ${rule}`, style: 'dim' }];
}

function panel(
  heading: Line,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): Panel {
  if (rows.length === 0) return { heading, body: [[{ text: 'none', style: 'dim' }]], beyond: 0 };
  const body = layOut(columns, rows.slice(0, ROWS_MAX), width);
  return { heading, body, beyond: rows.length - body.length };
}

function dim(text: string): Cell {
  return { text, style: 'dim' };
}
