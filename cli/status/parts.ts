/** How parts of a role are counted and named for people. */
export interface PartKind {
  readonly one: string;
  readonly many: string;
}

const KINDS: Readonly<Record<string, PartKind>> = {
  collector: { one: 'shard', many: 'shards' },
  notifier: { one: 'receiver', many: 'receivers' },
};
const LANE: PartKind = { one: 'lane', many: 'lanes' };
const PART: PartKind = { one: 'part', many: 'parts' };

/** More parts than this are not named one by one. */
const NAMED_MAX = 4;

/** Undefined for a part that is one of its kind, such as a writer's `log`. */
function kindOf(role: string, part: string): PartKind | undefined {
  return KINDS[role] ?? (/^\d+x\d+$/.test(part) ? LANE : undefined);
}

/** `64 of 256 shards`; `2 of 4 lanes, log`; `nothing`. */
export function shareText(
  role: string,
  owned: readonly string[],
  offered: ReadonlySet<string>,
): string {
  const all = new Set([...offered, ...owned]);
  const ours = Map.groupBy(owned, (part) => kindOf(role, part));
  const counted = [...Map.groupBy(all, (part) => kindOf(role, part))]
    .filter((entry): entry is [PartKind, string[]] => entry[0] !== undefined)
    .map(([kind, parts]) => `${ours.get(kind)?.length ?? 0} of ${amount(parts.length, kind)}`);
  const named = (ours.get(undefined) ?? []).toSorted();
  return [...counted, ...named].join(', ') || 'nothing';
}

/** `64 shards`; `lane 4x1`; `2 lanes, log`. */
export function partsText(role: string, parts: readonly string[]): string {
  const byKind = Map.groupBy(parts, (part) => kindOf(role, part));
  const named = (byKind.get(undefined) ?? []).toSorted();
  const counted = [...byKind]
    .filter((entry): entry is [PartKind, string[]] => entry[0] !== undefined)
    .map(([kind, some]) => {
      return some.length === 1 ? `${kind.one} ${some[0]}` : amount(some.length, kind);
    });
  if (named.length > NAMED_MAX) return [...counted, amount(named.length, PART)].join(', ');
  return [...counted, ...named].join(', ');
}

function amount(count: number, { one, many }: PartKind): string {
  return `${count} ${count === 1 ? one : many}`;
}
