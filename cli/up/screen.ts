import { cutLine, fitLine, paint } from './line.ts';
import type { Line } from './line.ts';
import { alertsPanel, headLines, hintLines, notificationsPanel } from './panels.ts';
import { queuesPanel, servicesPanel } from './panels.ts';
import type { Panel } from './panels.ts';
import type { Snapshot } from './snapshot.ts';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ScreenOptions extends ScreenSize {
  readonly colour: boolean;
}

/** From this width on, services and queues stand side by side. */
const SIDE_BY_SIDE_COLUMNS = 76;
const QUEUES_SHARE = 0.36;
const QUEUES_WIDTH_MAX = 48;
const SIDE_GAP = 2;

/** A part of the screen whose height is negotiable. */
interface Section {
  /** Lines it cannot do without: an empty one before it and its heading. */
  readonly fixed: number;
  /** Lines of its body without which it is not shown at all. */
  readonly least: number;
  /** Lines of its body. */
  readonly wants: number;
  lines(bodyRows: number): Line[];
}

/**
 * The screen as text: at most `rows` lines of at most `columns` columns each, without line ends. A
 * pure function; times of day are local.
 *
 *     Rollcall  fleet                                             14:03:22
 *     Targets …   Samples …   Fresh …
 *
 *     Services ─────────────────────────────  Queues ────────────────────
 *     …                                       …
 *
 *     Alerts  1 firing ───────────────────────────────────────────────────
 *     …
 *
 *     Notifications ──────────────────────────────────────────────────────
 *     …
 *
 *     hints
 */
export function renderScreen(
  snapshot: Snapshot,
  { columns, rows, colour }: ScreenOptions,
): string[] {
  const width = Math.max(1, Math.floor(columns));
  const height = Math.max(1, Math.floor(rows));
  const head = headLines(snapshot, width);
  const sections = sectionsOf(snapshot, width);
  const granted = shareRows(height - head.length, sections);
  const body = sections.flatMap((section, index) => section.lines(granted[index] ?? 0));
  return [...head, ...body].slice(0, height).map((line) => paint(cutLine(line, width), colour));
}

/** From top to bottom. */
function sectionsOf(snapshot: Snapshot, width: number): Section[] {
  const hints = hintLines(snapshot);
  const isWide = width >= SIDE_BY_SIDE_COLUMNS;
  const right = isWide ? Math.min(QUEUES_WIDTH_MAX, Math.floor(width * QUEUES_SHARE)) : width;
  const left = isWide ? width - right - SIDE_GAP : width;
  const hasQueues = snapshot.queues.length > 0;
  const queues = hasQueues ? [queuesPanel(snapshot, right)] : [];
  const services = servicesPanel(snapshot, hasQueues ? left : width);
  return [
    isWide && hasQueues
      ? section([services, ...queues], [left, right], 3)
      : section([services], [width], 3),
    section([alertsPanel(snapshot, width)], [width], 2),
    section([notificationsPanel(snapshot, width)], [width], 1),
    ...(hasQueues && !isWide ? [section(queues, [width], 3)] : []),
    {
      fixed: hints.length === 0 ? 0 : 1,
      least: 1,
      wants: hints.length,
      lines: (rows) => (rows === 0 ? [] : [[], ...hints.slice(0, rows)]),
    },
  ];
}

/** Panels side by side, each as wide as its number says. */
function section(panels: readonly Panel[], widths: readonly number[], least: number): Section {
  return {
    fixed: 2,
    least,
    wants: Math.max(...panels.map(({ body }) => body.length)),
    lines(rows) {
      if (rows === 0) return [];
      const stacks = panels.map((panel) => [panel.heading, ...shortened(panel, rows)]);
      const height = Math.max(...stacks.map((stack) => stack.length));
      const lines = Array.from({ length: height }, (_, row) =>
        beside(
          stacks.map((stack) => stack[row] ?? []),
          widths,
        ),
      );
      return [[], ...lines];
    },
  };
}

function beside(parts: readonly Line[], widths: readonly number[]): Line {
  const gap = { text: ' '.repeat(SIDE_GAP) };
  return parts.flatMap((part, index) => {
    const width = widths[index] ?? 0;
    const isLast = index === parts.length - 1;
    return isLast ? cutLine(part, width) : [...fitLine(part, width), gap];
  });
}

/** At most `rows` lines of its body; the last one then says how many are missing. */
function shortened({ body, beyond }: Panel, rows: number): readonly Line[] {
  if (body.length <= rows && beyond === 0) return body;
  const shown = body.slice(0, rows - 1);
  const missing = body.length - shown.length + beyond;
  return [...shown, [{ text: `… ${missing} more`, style: 'dim' }]];
}

/**
 * How many lines of its body each section gets. First come, with the least that makes sense, as many
 * sections as there is room for; then the services get all they want; then everybody a line in turn.
 */
function shareRows(available: number, sections: readonly Section[]): number[] {
  let left = available;
  const granted = sections.map(({ fixed, least, wants }) => {
    const rows = Math.min(least, wants);
    if (left < fixed + rows) return 0;
    left -= fixed + rows;
    return rows;
  });
  const giveMore = (index: number, rows: number) => {
    const { wants } = sections[index]!;
    const has = granted[index]!;
    const given = has === 0 ? 0 : Math.min(rows, left, wants - has);
    granted[index] = has + given;
    left -= given;
    return given;
  };
  giveMore(0, left);
  while (sections.reduce((given, _, index) => given + giveMore(index, 1), 0) > 0);
  return granted;
}
