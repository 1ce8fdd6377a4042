import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { shareOut } from '../rendezvous.ts';
import type { Candidate, Spread } from '../rendezvous.ts';

const SHARDS = Array.from({ length: 256 }, (_, shard) => String(shard));
const member = (id: string, offers: readonly string[] = SHARDS): Candidate => ({ id, offers });
const ids = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 16 }), {
  minLength: 1,
  maxLength: 12,
});
const spreads = fc.constantFrom<Spread>('hashed', 'even');

function sharesOf(owners: ReadonlyMap<string, string>): Map<string, number> {
  const shares = new Map<string, number>();
  for (const id of owners.values()) shares.set(id, (shares.get(id) ?? 0) + 1);
  return shares;
}

await t.test('every part has one owner, whatever the order of the members', (t) => {
  fc.assert(
    fc.property(ids, spreads, fc.nat(), (names, spread, at) => {
      const members = names.map((id) => member(id));
      const from = at % members.length;
      const turned = [...members.slice(from), ...members.slice(0, from)];
      const owners = shareOut(members, spread);
      assert.equal(owners.size, SHARDS.length);
      for (const [part, id] of shareOut(turned, spread)) assert.equal(id, owners.get(part));
    }),
    { numRuns: 50 },
  );
  t.end();
});

await t.test('nothing moves but to who joins, and from who leaves', (t) => {
  fc.assert(
    fc.property(ids, fc.string({ minLength: 17, maxLength: 20 }), (names, joiner) => {
      const before = shareOut(
        names.map((id) => member(id)),
        'hashed',
      );
      const after = shareOut(
        [...names, joiner].map((id) => member(id)),
        'hashed',
      );
      for (const [part, id] of after) if (id !== joiner) assert.equal(id, before.get(part));
    }),
    { numRuns: 50 },
  );
  t.end();
});

await t.test('with many parts the shares are about equal', (t) => {
  const owners = shareOut(
    ['a', 'b', 'c', 'd'].map((id) => member(id)),
    'hashed',
  );
  for (const share of sharesOf(owners).values()) t.ok(share > 40 && share < 90, `${share} of 256`);
  t.end();
});

await t.test('an even spread gives everybody his share, rounded up or down', (t) => {
  const lanes = fc.integer({ min: 1, max: 16 });
  fc.assert(
    fc.property(ids, lanes, (names, count) => {
      const offers = SHARDS.slice(0, count);
      const owners = shareOut(
        names.map((id) => member(id, offers)),
        'even',
      );
      assert.equal(owners.size, count);
      const shares = sharesOf(owners);
      for (const id of names) {
        const share = shares.get(id) ?? 0;
        assert.ok(
          share === Math.floor(count / names.length) || share === Math.ceil(count / names.length),
        );
      }
    }),
    { numRuns: 200 },
  );
  t.end();
});

await t.test('a part goes only to who offers to own it', (t) => {
  const members = [member('a', ['x', 'y']), member('b', ['y', 'z']), member('c', [])];
  for (const spread of ['hashed', 'even'] as const) {
    const owners = shareOut(members, spread);
    t.equal(owners.get('x'), 'a');
    t.equal(owners.get('z'), 'b');
    t.ok(['a', 'b'].includes(owners.get('y')!));
  }
  t.same(shareOut([], 'even'), new Map());
  t.end();
});

await t.test('what only one offers is his, however much that is', (t) => {
  const owners = shareOut([member('a', ['1', '2', '3', '4']), member('b', ['4'])], 'even');
  t.equal(owners.size, 4);
  t.same([owners.get('1'), owners.get('2'), owners.get('3')], ['a', 'a', 'a']);
  t.end();
});
