import t from 'tap';
import { FORGET_READS, SELF, SeriesTable } from '../series-table.ts';
import type { SeriesTableOptions } from '../series-table.ts';
import { SourceSet } from '../source-set.ts';
import type { Source } from '../source.ts';

const gauge = (name: string) => ({ name, kind: 'gauge', unit: '', help: '' }) as const;

function tableOf(options: Partial<SeriesTableOptions> = {}): SeriesTable {
  const table = new SeriesTable({ seriesMax: 10, ...options });
  table.reading = 'test';
  return table;
}

/** The present values by series name. */
function present(table: SeriesTable): Record<string, number> {
  const entries = table.series.flatMap(({ name, labels }, index) =>
    table.isPresent(index) ? [[[name, ...labels.flat()].join(' '), table.values[index]!]] : [],
  );
  return Object.fromEntries(entries) as Record<string, number>;
}

/** Reads often enough that what is not set is forgotten. */
function passTime(table: SeriesTable, set: () => void = () => undefined): void {
  for (let read = 0; read < 2 * FORGET_READS; read += 1) {
    table.clear();
    set();
  }
}

await t.test('a series keeps its slot; a bad name does not spoil the rest', (t) => {
  const seen: string[] = [];
  const table = tableOf({ onMalformed: (source, detail) => seen.push(`${source}: ${detail}`) });
  const a = table.declare(gauge('a'), [
    ['y', '2'],
    ['x', '1'],
  ]);
  t.equal(table.declare(gauge('bad name')), -1);
  const b = table.declare(gauge('b'));
  t.equal(
    table.declare(gauge('a'), [
      ['x', '1'],
      ['y', '2'],
    ]),
    a,
  );
  table.clear();
  table.set(-1, 5);
  table.set(b, 2);
  t.same(present(table), { b: 2 });
  t.match(seen, [/^test: .*no valid metric name/]);
  t.same([...table.malformedTotal], [['test', 1]]);
  t.equal(table.catalogue().series.length, 2);
  t.equal(table.catalogue(), table.catalogue(), 'made once');
  t.end();
});

await t.test("a source cannot set what is another one's", (t) => {
  const table = tableOf();
  const slot = table.declare(gauge('node_load1'));
  table.clear();
  table.set(slot, 1);
  table.reading = 'textfile';
  t.equal(table.declare(gauge('node_load1')), -1);
  t.same([...table.malformedTotal], [['textfile', 1]]);
  t.same(present(table), { node_load1: 1 });
  t.end();
});

await t.test('only wanted metrics have a slot', (t) => {
  const table = tableOf({ wants: (metric, source) => metric === 'a' && source === 'test' });
  t.not(table.declare(gauge('a')), -1);
  t.equal(table.declare(gauge('b')), -1);
  t.equal(table.size, 1);
  t.end();
});

await t.test('what a full table refuses is counted once and named, the own figures fit', (t) => {
  const refused: string[] = [];
  const table = tableOf({
    seriesMax: 1,
    onRefused: (source, series) => refused.push(`${source} ${series}`),
  });
  table.declare(gauge('a'));
  t.equal(table.declare(gauge('b'), [['x', '1']]), -1);
  t.equal(table.declare(gauge('b'), [['x', '1']]), -1);
  t.equal(table.declare(gauge('c')), -1);
  t.same([...table.refusedTotal], [['test', 2]]);
  t.same(refused, ['test b{x="1"}']);
  table.reading = SELF;
  t.not(table.declare(gauge('own')), -1);
  t.end();
});

await t.test('the place of a vanished series goes to another under a new number', (t) => {
  const table = tableOf();
  const [gone, stays] = [table.declare(gauge('gone')), table.declare(gauge('stays'))];
  const before = table.catalogue();
  passTime(table, () => table.set(stays, 1));
  t.equal(table.seriesCount, 1);
  const fresh = table.declare(gauge('fresh'));
  t.equal(table.size, 2, 'no frame is longer');
  t.not(fresh, gone);
  t.not(table.catalogue().hash, before.hash);

  table.clear();
  table.set(stays, 1);
  table.set(gone, 99);
  t.same(present(table), { stays: 1 }, 'the old number is nobody');
  t.same(table.takeStale(), ['test']);
  t.same(table.takeStale(), []);
  table.set(table.declare(gauge('gone')), 4);
  t.same(present(table), { stays: 1, gone: 4 });
  t.end();
});

await t.test('the places at the end are given up, and begin again under new numbers', (t) => {
  const table = tableOf();
  const stays = table.declare(gauge('stays'));
  const gone = ['a', 'b', 'c'].map((name) => table.declare(gauge(name)));
  passTime(table, () => table.set(stays, 1));
  t.equal(table.size, 1);
  t.same(
    table.catalogue().series.map(({ name }) => name),
    ['stays'],
  );
  const back = ['c', 'a', 'b'].map((name) => table.declare(gauge(name)));
  t.equal(table.size, 4);
  t.equal(new Set([stays, ...gone, ...back]).size, 7);
  t.end();
});

await t.test('a series that comes and goes within the time keeps its place', (t) => {
  const table = tableOf();
  const slot = table.declare(gauge('flickers'));
  for (let read = 0; read < 5 * FORGET_READS; read += 1) {
    table.clear();
    if (read % (FORGET_READS - 1) === 0) table.set(slot, read);
  }
  t.equal(table.declare(gauge('flickers')), slot);
  t.same(table.takeStale(), []);
  t.end();
});

await t.test('a table grows, with the values and the presence of the moment', (t) => {
  const table = tableOf({ seriesMax: 5000 });
  table.clear();
  const names = Array.from({ length: 1000 }, (_, i) => `m${i}`);
  for (const name of names) table.set(table.declare(gauge(name)), Number(name.slice(1)));
  const values = present(table);
  t.same(
    names.map((name) => values[name]),
    names.map((name) => Number(name.slice(1))),
  );
  t.end();
});

/** A source of one series a device, which keeps the slots of all devices it ever saw. */
function deviceSource(devices: Set<string>, opened: { times: number }): Source {
  const slots = new Map<string, number>();
  opened.times += 1;
  return {
    name: 'devices',
    read(sink) {
      for (const device of devices) {
        let slot = slots.get(device);
        if (slot === undefined) {
          slot = sink.declare(gauge('device'), [['device', device]]);
          slots.set(device, slot);
        }
        sink.set(slot, Number(device));
      }
    },
    close() {},
  };
}

await t.test('churn of devices never shifts a value, fills the table or lengthens frames', (t) => {
  const devices = new Set<string>();
  const opened = { times: 0 };
  const table = tableOf({ seriesMax: 8 });
  const sources = new SourceSet([() => deviceSource(devices, opened)]);
  let random = 1;
  let missed = 0;
  for (let read = 0; read < 200 * FORGET_READS; read += 1) {
    if (read % (FORGET_READS / 4) === 0) {
      random = (random * 48_271) % 0x7fff_ffff;
      devices.add(String(random % 1000));
      if (devices.size > 3) devices.delete([...devices][0]!);
    }
    sources.read(table);
    const values = present(table);
    for (const [series, value] of Object.entries(values)) {
      if (series !== `device device ${value}`) t.fail(`${series} has the value ${value}`);
    }
    missed += devices.size - Object.keys(values).length;
  }
  t.ok(table.size <= 8, `${table.size} places`);
  t.ok(opened.times > 1, 'the source was asked to begin anew');
  t.ok(missed < 5 * FORGET_READS, `${missed} readings found the table full`);
  t.end();
});

await t.test('who was refused gets a place as soon as there is one', (t) => {
  const devices = new Set(['1', '2', '3']);
  const table = tableOf({ seriesMax: 2 });
  const sources = new SourceSet([() => deviceSource(devices, { times: 0 })]);
  sources.read(table);
  t.same(present(table), { 'device device 1': 1, 'device device 2': 2 });
  devices.delete('1');
  for (let read = 0; read < 2 * FORGET_READS; read += 1) sources.read(table);
  t.same(present(table), { 'device device 2': 2, 'device device 3': 3 });
  t.end();
});

await t.test('a source that throws is counted and stops no other', (t) => {
  const table = tableOf();
  const broken: Source = {
    name: 'broken',
    read: () => {
      throw new Error('no luck');
    },
    close() {},
  };
  const sources = new SourceSet([() => broken, () => deviceSource(new Set(['7']), { times: 0 })]);
  sources.read(table);
  t.same(present(table), { 'device device 7': 7 });
  t.same([...table.malformedTotal], [['broken', 1]]);
  t.end();
});

await t.test('a source that nobody wants anything of is hardly ever read', (t) => {
  const table = tableOf({ wants: (metric) => metric === 'wanted' });
  const reads = { some: 0, none: 0, silent: 0 };
  const source = (name: keyof typeof reads, ...metrics: string[]): Source => ({
    name,
    read(sink) {
      reads[name] += 1;
      for (const metric of metrics) sink.set(sink.declare(gauge(metric)), 1);
    },
    close() {},
  });
  const sources = new SourceSet([
    () => source('some', 'unwanted', 'wanted'),
    () => source('none', 'unwanted'),
    () => source('silent'),
  ]);
  for (let read = 0; read < 120; read += 1) sources.read(table);
  t.same(reads, { some: 120, none: 11, silent: 120 });
  t.end();
});
