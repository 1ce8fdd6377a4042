import { printTable } from '../print-table.ts';
import { age, bytes, clockTime, count, duration, short } from '../up/quantity.ts';
import { newestRuns } from './members.ts';
import type { MemberLine, MoveLine } from './members.ts';
import type { Overview } from './overview.ts';
import { partsText } from './parts.ts';

const DOWN_SHOWN = 5;
const MOVES_SHOWN = 5;
/** Where the figures come from. */
const COMPONENTS = ['collector', 'writer', 'alerter'];
const DAY_MS = 86_400_000;

/** Prints an overview as tables on standard output. */
export function printOverview(overview: Overview, nowMs: number): void {
  for (const name of overview.silent) process.stdout.write(`${name} does not answer\n`);
  for (const fault of overview.faults) process.stdout.write(`${fault}\n`);
  for (const { text } of overview.gaps) process.stdout.write(`${text}\n`);
  const isSilent = COMPONENTS.every((name) => overview.silent.includes(name));
  if (!isSilent) printTable(['', ''], figures(overview));
  // Without the database there is nothing to show in these, which does not mean that there is nothing.
  if (!overview.hasDatabase) return;
  section(['ROLE', 'MEMBER', 'SHARE', 'EPOCH', 'SINCE', 'HEARD'], memberRows(overview, nowMs));
  section(['MOVED', 'ROLE', 'PARTS', ''], overview.moves.slice(0, MOVES_SHOWN).map(moveRow(nowMs)));
  section(
    ['ALERT', 'STATE', 'INSTANCE', 'FOR'],
    overview.alerts.map(({ name, state, instance, sinceMs }) => [
      name,
      state,
      instance ?? '',
      age(sinceMs, nowMs),
    ]),
  );
}

function section(header: readonly string[], rows: readonly (readonly string[])[]): void {
  process.stdout.write('\n');
  printTable(header, rows);
}

function figures(overview: Overview): string[][] {
  const { samplesInPerSecond, samplesStoredPerSecond } = overview;
  return [
    ['targets', targets(overview)],
    [
      'samples/s',
      `${short(samplesInPerSecond)} in, ${short(samplesStoredPerSecond)} stored with own metrics`,
    ],
    ['newest sample', `${duration(overview.freshnessSeconds)} old`],
    ...overview.queues.map(({ name, unit, value, max }) => [
      name,
      unit === 'bytes' ? `${bytes(value)} of ${bytes(max)}` : count(value),
    ]),
  ];
}

/** `49,988 up, 12 down: web-3, web-7, db-1, …` */
function targets({ targetsUp, targetsDown, down }: Overview): string {
  const counted = `${count(targetsUp)} up, ${count(targetsDown)} down`;
  if (targetsDown === 0 || down.length === 0) return counted;
  const named = down.slice(0, DOWN_SHOWN).join(', ');
  return `${counted}: ${named}${(targetsDown ?? down.length) > DOWN_SHOWN ? ', …' : ''}`;
}

function memberRows({ members }: Overview, nowMs: number): string[][] {
  return newestRuns(members).map((member) => [
    member.role,
    member.name,
    member.share,
    member.epoch === 0 ? '' : String(member.epoch),
    member.sinceMs === undefined ? '' : age(member.sinceMs, nowMs),
    heard(member, nowMs),
  ]);
}

/** `2s`; `gone, 3m 07s`; `left, 12s` */
function heard({ state, heardMs, sharesName }: MemberLine, nowMs: number): string {
  const since = age(heardMs, nowMs);
  if (sharesName) return `${since}, name used twice: give each its own --member`;
  return state === 'alive' ? since : `${state}, ${since}`;
}

function moveRow(nowMs: number): (move: MoveLine) => string[] {
  return (move) => {
    const { timeMs, role, parts } = move;
    const isLongAgo = nowMs - timeMs > DAY_MS;
    const time = isLongAgo ? `${age(timeMs, nowMs)} ago` : clockTime(timeMs);
    return [time, role, partsText(role, parts), road(move)];
  };
}

/** `host-a → host-b`; `host-a, started again` */
function road({ from, to, isRestart }: MoveLine): string {
  return isRestart ? `${to}, started again` : `${from === '' ? 'nobody' : from} → ${to}`;
}
