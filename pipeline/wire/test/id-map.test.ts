import t from 'tap';
import { IdMap } from '../id-map.ts';

const id = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);

const sorted = (values: Iterable<number>): number[] => [...values].toSorted((a, b) => a - b);

await t.test('finds what was set by the halves of its id', (t) => {
  const map = new IdMap<string>();
  map.set(id(0xffff_ffff, 0x8000_0001), 'a');
  t.equal(map.get(0x8000_0001, 0xffff_ffff), 'a');
  t.equal(map.get(0x8000_0001, 0xffff_fffe), undefined);
  t.equal(map.find(id(0xffff_ffff, 0x8000_0001)), 'a');
  map.set(id(0xffff_ffff, 0x8000_0001), 'b');
  t.equal(map.find(id(0xffff_ffff, 0x8000_0001)), 'b');
  t.equal(map.size, 1);
  t.end();
});

await t.test('keeps ids apart that have nearly all bits in common', (t) => {
  const map = new IdMap<number>();
  const ids = [id(4, 1), id(4, 2), id(5, 1), id(6, 1), id(7, 0xffff_ffff)];
  for (const [i, each] of ids.entries()) map.set(each, i);
  t.same(
    ids.map((each) => map.find(each)),
    [0, 1, 2, 3, 4],
  );
  t.equal(map.size, 5);
  t.same(sorted(map.values()), [0, 1, 2, 3, 4]);
  for (const gone of [2, 4, 0, 1, 3]) {
    map.delete(ids[gone]!);
    t.equal(map.find(ids[gone]!), undefined);
    map.delete(ids[gone]!);
  }
  t.equal(map.size, 0);
  t.same([...map.values()], []);
  t.end();
});

await t.test('agrees with a map of bigints', (t) => {
  const [map, model] = [new IdMap<number>(), new Map<bigint, number>()];
  let random = 12_345;
  for (let step = 0; step < 5000; step += 1) {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    const each = id((random >>> 8) & 15, (random >>> 16) & 3);
    if (random % 3 === 0) {
      map.delete(each);
      model.delete(each);
    } else {
      map.set(each, step);
      model.set(each, step);
    }
    if (map.size !== model.size || map.find(each) !== model.get(each)) t.fail(`step ${step}`);
  }
  t.same(sorted(map.values()), sorted(model.values()));
  t.end();
});
