import t from 'tap';
import type { CatalogueIndex as Index } from '../catalogue-index.ts';
import { CatalogueIndex } from '../catalogue-index.ts';
import { FrameView } from '../frame-view.ts';
import { Planner } from '../plan.ts';
import { catalogue, frameOf, rules, target } from './hand-made.ts';

/** What a host of one kind says: all the same but for its name, and where that stands. */
function hostCatalogue(name: string, disks: readonly string[] = ['sda', 'sdb']) {
  return catalogue(
    ['node_load1'],
    ['node_uname_info', ['nodename', name]],
    ...disks.map((device) => ['disk_free', ['device', device]] as const),
  );
}

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `host-${i}`);
const ruleSet = rules(
  '- {alert: High, expr: node_load1 > 5}',
  '- {alert: Full, expr: \'disk_free{rack=~"[12]"} < 5\'}',
);

function known(index: Index, planner: Planner, hash: bigint) {
  const found = index.get(hash, planner);
  if (found === undefined) throw new Error('not known');
  return found;
}

await t.test('hosts of one kind share what the rules make of their catalogues', (t) => {
  const [index, planner] = [new CatalogueIndex(), new Planner(ruleSet)];
  const all = names(100).map((name) => hostCatalogue(name));
  for (const each of all) index.add(each, planner);
  t.equal(index.count, 100);
  t.equal(index.seriesCount, 103);
  const plans = all.map(({ hash }) => known(index, planner, hash).plan);
  t.equal(new Set(plans.map(({ list }) => list)).size, 1);
  const lists = plans.map((plan, i) =>
    planner.listFor(plan, target(`host-${i}`, { rack: String(i % 4) })),
  );
  t.equal(new Set(lists).size, 2, 'racks that the rule means, and those that it does not');
  t.same(
    lists.slice(0, 2).map(({ checks }) => checks.map(({ seriesKey }) => seriesKey)),
    [['node_load1'], ['node_load1', 'disk_free{device="sda"}', 'disk_free{device="sdb"}']],
  );
  t.end();
});

await t.test('a series in another slot is another list of the same checks', (t) => {
  const [index, planner] = [new CatalogueIndex(), new Planner(ruleSet)];
  const [one, other] = [hostCatalogue('a', ['sda']), hostCatalogue('a', ['nvme0', 'sda'])];
  for (const each of [one, other]) index.add(each, planner);
  const rack = target('a', { rack: '1' });
  const [first, second] = [one, other].map(({ hash }) =>
    planner.listFor(known(index, planner, hash).plan, rack),
  );
  t.not(first, second);
  t.equal(first!.checks[1], second!.checks[2], 'sda');
  const frame = frameOf(rack, 1, 1000, other, [1, 1, 9, 4]);
  const view = new FrameView().look(frame, 0);
  t.same(second!.said(1, view), { holds: false, isPresent: true, value: 9 });
  t.same(second!.said(2, view), { holds: true, isPresent: true, value: 4 });
  t.equal(second!.isQuiet(view), false);
  t.end();
});

await t.test('other rules are compiled to the catalogues that are known', (t) => {
  const [index, planner] = [new CatalogueIndex(), new Planner(ruleSet)];
  const own = hostCatalogue('a');
  index.add(own, planner);
  const later = new Planner(rules("- {alert: Named, expr: 'node_uname_info == 0'}"));
  const { plan } = known(index, later, own.hash);
  t.equal(plan.planner, later);
  t.same(
    plan.list.checks.map(({ seriesKey }) => seriesKey),
    ['node_uname_info{nodename="a"}'],
  );
  t.end();
});

await t.test(
  'catalogues beyond the limit are forgotten, with the series that only they had',
  (t) => {
    const planner = new Planner(ruleSet);
    const index = new CatalogueIndex(3 * 104);
    const all = names(10).map((name) => hostCatalogue(name));
    for (const each of all) {
      index.add(each, planner);
      t.ok(index.get(all[0]!.hash, planner), 'the one that is asked for stays');
    }
    t.equal(index.count, 3);
    t.equal(index.seriesCount, 6);
    t.same(
      all.map(({ hash }) => index.get(hash, planner) !== undefined),
      [true, false, false, false, false, false, false, false, true, true],
    );
    index.add(all[4]!, planner);
    const { plan } = known(index, planner, all[4]!.hash);
    t.equal(plan.list, known(index, planner, all[9]!.hash).plan.list);
    t.end();
  },
);

await t.test('a frame is quiet unless a value that is present makes a condition hold', (t) => {
  const from = catalogue(['v']);
  const quiet = (expr: string, value: number | undefined): boolean => {
    const [index, planner] = [
      new CatalogueIndex(),
      new Planner(rules(`- {alert: A, expr: ${expr}}`)),
    ];
    index.add(from, planner);
    const frame = frameOf(target('a'), 1, 1000, from, [value]);
    return known(index, planner, from.hash).plan.list.isQuiet(new FrameView().look(frame, 0));
  };
  const table: readonly (readonly [string, number | undefined, boolean])[] = [
    ['v > 1', 1, true],
    ['v > 1', 2, false],
    ['v >= 1', 1, false],
    ['v < 1', 1, true],
    ['v < 1', -Infinity, false],
    ['v <= 1', 1, false],
    ['v == 0', -0, false],
    ['v == 0', 1, true],
    ['v != 0', 0, true],
    ['v != 0', NaN, false],
    ['v > 1', NaN, true],
    ['v == 0', undefined, true],
    ['v < 1', undefined, true],
    ['v != 0', undefined, true],
  ];
  for (const [expr, value, isQuiet] of table)
    t.equal(quiet(expr, value), isQuiet, `${expr}: ${value}`);
  t.end();
});
