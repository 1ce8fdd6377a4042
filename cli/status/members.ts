import type { Store } from '../../pipeline/store/store.ts';
import { selfInstance } from '../../pipeline/targets/self-target.ts';
import { partsText, shareText } from './parts.ts';

/** A process of the centre, as the others hear it. */
export interface MemberLine {
  readonly role: string;
  readonly name: string;
  /** Names this run of it. */
  readonly member: string;
  /** `alive`, `left` (in order) or `gone` (not heard for 6 seconds although others were, or for 15). */
  readonly state: string;
  /** Another living member of the role has the same name. */
  readonly sharesName: boolean;
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
  /** The same name, another run, and only one of the two lives: the process was started again. */
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
  started_ms: string;
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
/** Members are recorded together, every 2 seconds. */
const SILENT_MS = 6000;
/** A presence is written at most so long after it was heard. */
const RECORDED_WITHIN_MS = 5000;

/** Members, what nobody owns, and the latest moves, from what the writer recorded. */
export async function readMembership(store: Store): Promise<Membership> {
  const [memberRows, moveRows] = await Promise.all([
    readMembers(store),
    store.rows<MoveRow>(
      `SELECT toUnixTimestamp64Milli(time) AS time_ms, role, part, from_name, to_name
       FROM moves WHERE time > now() - INTERVAL 7 DAY
       ORDER BY time DESC LIMIT ${MOVE_ROWS_MAX}`,
    ),
  ]);
  const offered = offeredByRole(memberRows);
  const namesakes = namesakesOf(memberRows);
  return {
    members: memberRows.map((row) => {
      const line = memberLine(row, offered.get(row.role) ?? new Set());
      return { ...line, sharesName: namesakes.has(row) };
    }),
    gaps: gapsOf(memberRows, offered),
    moves: movesOf(moveRows, new Set([...namesakes].map(fullName))).slice(0, MOVES_MAX),
  };
}

/** The states of components by the instances of their own targets; of one with several runs, the best. */
export async function readComponentStates(store: Store): Promise<Map<string, string>> {
  const rows = await readMembers(store);
  // The first of a name is the one that lives, or was heard last.
  return new Map(rows.toReversed().map((row) => [fullName(row), row.state]));
}

async function readMembers(store: Store): Promise<MemberRow[]> {
  const rows = await store.rows<MemberRow>(
    `SELECT role, name, member, state, parts, offers, epoch,
            toUnixTimestamp64Milli(since) AS since_ms, toUnixTimestamp64Milli(seen_at) AS seen_ms,
            toUnixTimestamp64Milli(started_at) AS started_ms
     FROM members_current ORDER BY role, name, state = 'alive' DESC, seen_at DESC`,
  );
  // While nobody records, nobody's silence counts.
  const recordedMs = Math.max(...rows.map((row) => Number(row.seen_ms)));
  return rows.map((row) => {
    const isSilent = recordedMs - Number(row.seen_ms) > SILENT_MS;
    return row.state === 'alive' && isSilent ? { ...row, state: 'gone' } : row;
  });
}

function fullName({ role, name }: { readonly role: string; readonly name: string }): string {
  return selfInstance({ role, name });
}

/** Living members that speak beside others of their name, and not just before or after them. */
function namesakesOf(rows: readonly MemberRow[]): Set<MemberRow> {
  const alive = rows.filter(({ state }) => state === 'alive');
  const namesakes = new Set<MemberRow>();
  for (const runs of Map.groupBy(alive, fullName).values()) {
    const startedMs = Math.max(...runs.map((row) => Number(row.started_ms)));
    const sinceMs = startedMs + RECORDED_WITHIN_MS;
    const speaking = runs.filter((row) => Number(row.seen_ms) > sinceMs);
    if (speaking.length > 1) for (const row of speaking) namesakes.add(row);
  }
  return namesakes;
}

/** Without runs of which there is a later one of the same name. */
export function newestRuns(members: readonly MemberLine[]): MemberLine[] {
  const byName = Map.groupBy(members, fullName);
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

function memberLine(row: MemberRow, offered: ReadonlySet<string>): Omit<MemberLine, 'sharesName'> {
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
function movesOf(rows: readonly MoveRow[], sharedNames: ReadonlySet<string>): MoveLine[] {
  const moves: { timeMs: number; oldestMs: number; row: MoveRow; parts: Set<string> }[] = [];
  const latest = new Map<string, (typeof moves)[number]>();
  for (const row of rows) {
    const timeMs = Number(row.time_ms);
    const key = JSON.stringify([row.role, row.from_name, row.to_name]);
    const move = latest.get(key);
    if (move !== undefined && move.oldestMs - timeMs <= MOVES_APART_MS) {
      move.parts.add(row.part);
      move.oldestMs = timeMs;
      continue;
    }
    const begun = { timeMs, oldestMs: timeMs, row, parts: new Set([row.part]) };
    latest.set(key, begun);
    moves.push(begun);
  }
  return moves.map(({ timeMs, row, parts }) => {
    const { role, from_name: from, to_name: to } = row;
    const isRestart = from === to && !sharedNames.has(fullName({ role, name: to }));
    return { timeMs, role, parts: [...parts], from, to, isRestart };
  });
}
