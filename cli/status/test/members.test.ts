import t from 'tap';
import type { Store } from '../../../pipeline/store/store.ts';
import { testClickHouse, testStore } from '../../../pipeline/embedded/test-servers.ts';
import { newestRuns, readComponentStates, readMembership } from '../members.ts';
import { partsText, shareText } from '../parts.ts';

const clickhouse = await testClickHouse(t);
const SHARDS = Array.from({ length: 256 }, (_, i) => String(i));
const WRITER = ['4x0', '4x1', '4x2', '4x3', 'log', 'projection'];
const NOW_MS = Date.now();

const at = (secondsAgo: number): string => new Date(NOW_MS - secondsAgo * 1000).toISOString();

interface HeardRow {
  readonly role: string;
  readonly member: string;
  readonly name?: string;
  readonly offers: readonly string[];
  readonly secondsAgo?: number;
  readonly isLeaving?: boolean;
  readonly startedAgo?: number;
}

function hear(store: Store, members: readonly HeardRow[]): Promise<void> {
  return store.insertRows(
    'members',
    members.map(({ role, member, name, offers, secondsAgo, isLeaving, startedAgo }) => ({
      role,
      member,
      name: name ?? `host-${member}`,
      started_at: at(startedAgo ?? 3600),
      seen_at: at(secondsAgo ?? 1),
      offers,
      owns: 0,
      is_leaving: isLeaving ?? false,
    })),
  );
}

function claim(
  store: Store,
  role: string,
  parts: readonly string[],
  [member, epoch, secondsAgo, name]: readonly [string, number, number, string?],
  isReleased = false,
): Promise<void> {
  return store.insertRows(
    'ownership',
    parts.map((part, i) => ({
      role,
      part,
      epoch,
      revision: epoch * 1000 + i + (isReleased ? 500 : 0),
      member,
      name: name ?? `host-${member}`,
      is_released: isReleased,
      since: new Date(NOW_MS - secondsAgo * 1000 + i).toISOString(),
    })),
  );
}

await t.test('shares, gaps and moves are told in plain words', async (t) => {
  const store = await testStore(t, clickhouse.port, 'plain');
  await hear(store, [
    { role: 'collector', member: 'a', offers: SHARDS },
    { role: 'collector', member: 'b', offers: SHARDS },
    { role: 'writer', member: 'a', offers: WRITER },
    { role: 'alerter', member: 'a', offers: ['4x0', '4x1'], secondsAgo: 60 },
    // A lane of a former generation.
    { role: 'writer', member: 'old', offers: ['1x0'], secondsAgo: 1800 },
  ]);
  await claim(store, 'collector', SHARDS, ['a', 10, 500]);
  await claim(store, 'collector', SHARDS.slice(0, 64), ['b', 20, 100]);
  await claim(store, 'writer', ['1x0'], ['old', 5, 1900]);
  await claim(store, 'writer', ['4x0', '4x1', '4x2', 'log', 'projection'], ['a', 30, 50]);
  await claim(store, 'writer', ['4x2'], ['a', 30, 40], true);
  await claim(store, 'alerter', ['4x0', '4x1'], ['a', 40, 300]);
  const { members, gaps, moves } = await readMembership(store);
  t.match(members, [
    { role: 'alerter', name: 'host-a', state: 'gone', share: '2 of 2 lanes', epoch: 40 },
    { role: 'collector', name: 'host-a', state: 'alive', share: '192 of 256 shards', epoch: 10 },
    { role: 'collector', name: 'host-b', state: 'alive', share: '64 of 256 shards', epoch: 20 },
    { role: 'writer', name: 'host-a', state: 'alive', share: '2 of 4 lanes, log, projection' },
    { role: 'writer', name: 'host-old', state: 'gone' },
  ]);
  t.equal(Math.round((NOW_MS - members[2]!.sinceMs!) / 1000), 100);
  t.same(gaps, [
    { role: 'alerter', parts: ['4x0', '4x1'], text: 'no alerter lives: nobody owns 2 lanes' },
    {
      role: 'writer',
      parts: ['4x2', '4x3'],
      text: 'writer: nobody owns 2 lanes',
    },
  ]);
  const told = moves.map(({ role, parts, from, to }) => [role, parts.length, from, to]);
  t.same(told, [
    ['writer', 5, '', 'host-a'],
    ['collector', 64, 'host-a', 'host-b'],
    ['alerter', 2, '', 'host-a'],
    ['collector', 256, '', 'host-a'],
    ['writer', 1, '', 'host-old'],
  ]);
});

await t.test('a process that was started again is one member, its move a restart', async (t) => {
  const store = await testStore(t, clickhouse.port, 'again');
  await hear(store, [
    { role: 'writer', member: 'w1', name: 'host', offers: ['log'], isLeaving: true },
    { role: 'writer', member: 'w2', name: 'host', offers: ['log'] },
  ]);
  await claim(store, 'writer', ['log'], ['w1', 1, 60, 'host']);
  await claim(store, 'writer', ['log'], ['w1', 1, 20, 'host'], true);
  await claim(store, 'writer', ['log'], ['w2', 2, 20, 'host']);
  const { members, gaps, moves } = await readMembership(store);
  t.same(
    members.map(({ state }) => state),
    ['alive', 'left'],
  );
  t.match(newestRuns(members), [{ member: 'w2', state: 'alive', share: 'log' }]);
  t.equal(newestRuns(members).length, 1);
  t.same(gaps, []);
  t.match(moves, [{ isRestart: true }, { isRestart: false, from: '' }]);
});

await t.test('two that live and share a name are told apart from a restart', async (t) => {
  const store = await testStore(t, clickhouse.port, 'namesakes');
  const offers = SHARDS;
  await hear(store, [
    { role: 'collector', member: 'c1', name: 'vm', offers },
    { role: 'collector', member: 'c2', name: 'vm', offers, startedAgo: 30 },
    // Killed four seconds ago, and started again at once.
    { role: 'writer', member: 'w1', name: 'vm', offers: ['log'], secondsAgo: 4 },
    { role: 'writer', member: 'w2', name: 'vm', offers: ['log'], startedAgo: 4 },
  ]);
  await claim(store, 'collector', SHARDS, ['c1', 10, 33, 'vm']);
  await claim(store, 'collector', SHARDS.slice(0, 128), ['c2', 20, 30, 'vm']);
  await claim(store, 'collector', SHARDS.slice(0, 64), ['c1', 30, 28, 'vm']);
  await claim(store, 'collector', SHARDS.slice(0, 64), ['c2', 40, 26, 'vm']);
  const { members, moves } = await readMembership(store);
  const sharing = members.filter(({ sharesName }) => sharesName);
  t.same(new Set(sharing.map(({ member }) => member)), new Set(['c1', 'c2']));
  t.match(moves[0], { from: 'vm', to: 'vm', isRestart: false });
  t.equal(moves[0]!.parts.length, 128, 'a part that moved twice counts once');
});

await t.test('who is no longer heard while others are is gone', async (t) => {
  const store = await testStore(t, clickhouse.port, 'unheard');
  await hear(store, [
    { role: 'writer', member: 'a', offers: ['4x0'] },
    { role: 'writer', member: 'b', offers: ['4x0'], secondsAgo: 9 },
    { role: 'writer', member: 'c', offers: ['4x0'], isLeaving: true },
    // Started again.
    { role: 'alerter', member: 'd', name: 'vm', offers: ['4x0'], secondsAgo: 9 },
    { role: 'alerter', member: 'e', name: 'vm', offers: ['4x0'] },
  ]);
  t.same(
    await readComponentStates(store),
    new Map([
      ['writer/host-c', 'left'],
      ['writer/host-b', 'gone'],
      ['writer/host-a', 'alive'],
      ['alerter/vm', 'alive'],
    ]),
  );
  const { members } = await readMembership(store);
  t.match(newestRuns(members), [{ member: 'e' }, { member: 'a' }, { state: 'gone' }, {}]);
});

await t.test('moves at different times are different moves', async (t) => {
  const store = await testStore(t, clickhouse.port, 'times');
  for (const [epoch, secondsAgo] of [
    [1, 100],
    [3, 60],
    [5, 20],
  ] as const) {
    await claim(store, 'collector', ['1', '2'], ['a', epoch, secondsAgo]);
    await claim(store, 'collector', ['1', '2'], ['b', epoch + 1, secondsAgo - 10]);
  }
  const { moves } = await readMembership(store);
  t.same(
    moves.map(({ from, to, parts }) => `${from}→${to} ${parts.length}`),
    [
      'host-a→host-b 2',
      'host-b→host-a 2',
      'host-a→host-b 2',
      'host-b→host-a 2',
      'host-a→host-b 2',
      '→host-a 2',
    ],
  );
});

await t.test('nobody, and nothing that was ever claimed, is no error', async (t) => {
  const store = await testStore(t, clickhouse.port, 'empty');
  t.same(await readMembership(store), { members: [], gaps: [], moves: [] });
});

await t.test('parts are counted by their kind and named where they are one of it', (t) => {
  t.equal(shareText('collector', [], new Set(SHARDS)), '0 of 256 shards');
  t.equal(shareText('writer', ['log'], new Set(WRITER)), '0 of 4 lanes, log');
  t.equal(shareText('notifier', ['pager'], new Set(['pager', 'mail'])), '1 of 2 receivers');
  t.equal(shareText('alerter', [], new Set()), 'nothing');
  t.equal(partsText('alerter', ['4x1']), 'lane 4x1');
  t.equal(partsText('collector', ['7']), 'shard 7');
  t.equal(partsText('notifier', ['pager', 'mail']), '2 receivers');
  t.equal(partsText('writer', ['4x1', '4x0', 'projection', 'log']), '2 lanes, log, projection');
  t.equal(partsText('other', ['a', 'b', 'c', 'd', 'e']), '5 parts');
  t.end();
});
