import type { Store } from '../../pipeline/store/store.ts';
import { partsText, shareText } from './parts.ts';

/** A process of the centre, as the others hear it. */
export interface MemberLine {
  readonly role: string;
  readonly name: string;
  /** Names this run of it. */
  readonly member: string;
  /** `alive`, `left` (in order) or `gone` (not heard for 15 seconds). */
  readonly state: string;
  readonly owned: readonly string[];
  /** Such as `64 of 256 shards`. */
  readonly share: string;
  /** The newest of its claims; 0 if it owns nothing. */
  readonly epoch: number;
  /** When it took what it took last, ms; undefined if it owns nothing. */
  readonly sinceMs: number | undefined;
  readonly heardMs: number;
}

/** Parts of a role that no living member owns. */
export interface GapLine {
  readonly role: string;
  readonly parts: readonly string[];
  readonly text: string;
}

/** Parts that went from one member to another at about one time. */
export interface MoveLine {
  readonly timeMs: number;
  readonly role: string;
  readonly parts: readonly string[];
  /** Empty if nobody had them before. */
  readonly from: string;
  readonly to: string;
  /** The same name, another run: the process was started again. */
  readonly isRestart: boolean;
}

export interface Membership {
  readonly members: readonly MemberLine[];
  readonly gaps: readonly GapLine[];
  /** The newest first. */
  readonly moves: readonly MoveLine[];
}

interface MemberRow {
  role: string;
  name: string;
  member: string;
  state: string;
  parts: string[];
  offers: string[];
  epoch: string;
  since_ms: string;
  seen_ms: string;
}

interface MoveRow {
  time_ms: string;
  role: string;
  part: string;
  from_name: string;
  to_name: string;
}

const MOVE_ROWS_MAX = 5000;
const MOVES_MAX = 20;
/** Moves of one kind with no longer pauses between them are one. */
const MOVES_APART_MS = 5000;

/** Members, what nobody owns, and the latest moves, from what the writer recorded. */
export async function readMembership(store: Store): Promise<Membership> {
  const [memberRows, moveRows] = await Promise.all([
    store.rows<MemberRow>(
      `SELECT role, name, member, state, parts, offers, epoch,
              toUnixTimestamp64Milli(since) AS since_ms, toUnixTimestamp64Milli(seen_at) AS seen_ms
       FROM members_current ORDER BY role, name, state = 'alive' DESC, seen_at DESC`,
    ),
    store.rows<MoveRow>(
      `SELECT toUnixTimestamp64Milli(time) AS time_ms, role, part, from_name, to_name
       FROM moves WHERE time > now() - INTERVAL 7 DAY
       ORDER BY time DESC LIMIT ${MOVE_ROWS_MAX}`,
    ),
  ]);
  const offered = offeredByRole(memberRows);
  return {
    members: memberRows.map((row) => memberLine(row, offered.get(row.role) ?? new Set())),
    gaps: gapsOf(memberRows, offered),
    moves: movesOf(moveRows).slice(0, MOVES_MAX),
  };
}

/** Without runs of which there is a later one of the same name. */
export function newestRuns(members: readonly MemberLine[]): MemberLine[] {
  const byName = Map.groupBy(members, ({ role, name }) => `${role}/${name}`);
  return [...byName.values()].flatMap((runs) => {
    const alive = runs.filter(({ state }) => state === 'alive');
    return alive.length > 0 ? alive : runs.slice(0, 1);
  });
}

/** What the living members of each role are able to own; of a role that has none, the former ones. */
function offeredByRole(rows: readonly MemberRow[]): Map<string, Set<string>> {
  const offered = new Map<string, Set<string>>();
  for (const [role, members] of Map.groupBy(rows, (row) => row.role)) {
    const alive = members.filter(({ state }) => state === 'alive');
    const who = alive.length > 0 ? alive : members;
    offered.set(role, new Set(who.flatMap(({ offers }) => offers)));
  }
  return offered;
}

function memberLine(row: MemberRow, offered: ReadonlySet<string>): MemberLine {
  const { role, name, member, state, parts } = row;
  return {
    role,
    name,
    member,
    state,
    owned: parts,
    share: shareText(role, parts, offered),
    epoch: Number(row.epoch),
    sinceMs: parts.length > 0 ? Number(row.since_ms) : undefined,
    heardMs: Number(row.seen_ms),
  };
}

function gapsOf(
  rows: readonly MemberRow[],
  offered: ReadonlyMap<string, ReadonlySet<string>>,
): GapLine[] {
  const gaps: GapLine[] = [];
  for (const [role, parts] of offered) {
    const alive = rows.filter((row) => row.role === role && row.state === 'alive');
    const owned = new Set(alive.flatMap((row) => row.parts));
    const missing = [...parts].filter((part) => !owned.has(part)).toSorted();
    if (missing.length === 0) continue;
    const text = `nobody owns ${partsText(role, missing)}`;
    const whole = alive.length === 0 ? `no ${role} lives: ${text}` : `${role}: ${text}`;
    gaps.push({ role, parts: missing, text: whole });
  }
  return gaps;
}

/** The rows come newest first. */
function movesOf(rows: readonly MoveRow[]): MoveLine[] {
  const moves: { timeMs: number; oldestMs: number; row: MoveRow; parts: string[] }[] = [];
  const latest = new Map<string, (typeof moves)[number]>();
  for (const row of rows) {
    const timeMs = Number(row.time_ms);
    const key = JSON.stringify([row.role, row.from_name, row.to_name]);
    const move = latest.get(key);
    if (move !== undefined && move.oldestMs - timeMs <= MOVES_APART_MS) {
      move.parts.push(row.part);
      move.oldestMs = timeMs;
      continue;
    }
    const begun = { timeMs, oldestMs: timeMs, row, parts: [row.part] };
    latest.set(key, begun);
    moves.push(begun);
  }
  return moves.map(({ timeMs, row, parts }) => moveLine(timeMs, row, parts));
}

function moveLine(timeMs: number, row: MoveRow, parts: readonly string[]): MoveLine {
  const { role, from_name: from, to_name: to } = row;
  return { timeMs, role, parts, from, to, isRestart: from === to };
}
