import t from 'tap';
import { prometheusText } from '../exposition.ts';
import { SeriesTable } from '../series-table.ts';

const gauge = (name: string) => ({ name, kind: 'gauge', unit: '', help: '' }) as const;

await t.test('the text groups a metric, escapes labels and leaves out what is absent', (t) => {
  const table = new SeriesTable(10);
  const cpu = { name: 'cpu_total', kind: 'counter', unit: '', help: 'CPU \\ time\n.' } as const;
  const load = { name: 'load', kind: 'gauge', unit: '', help: '' } as const;
  const a = table.declare(cpu, [
    ['mode', 'us"er\n\\'],
    ['cpu', '0'],
  ]);
  const b = table.declare(load);
  const c = table.declare(cpu, [['cpu', '1']]);
  const gone = table.declare(load, [['gone', 'yes']]);
  table.set(gone, 1);
  table.clear();
  table.set(a, 1e21);
  table.set(b, NaN);
  table.set(c, -Infinity);
  t.equal(
    prometheusText(table),
    [
      '# HELP cpu_total CPU \\\\ time\\n.',
      '# TYPE cpu_total counter',
      'cpu_total{cpu="0",mode="us\\"er\\n\\\\"} 1e+21',
      'cpu_total{cpu="1"} -Inf',
      '# TYPE load gauge',
      'load NaN',
      '',
    ].join('\n'),
  );
  t.end();
});

await t.test('a full table refuses and counts, a bad name does not spoil the rest', (t) => {
  const seen: string[] = [];
  const table = new SeriesTable(2, (source, detail) => seen.push(`${source}: ${detail}`));
  t.equal(table.declare(gauge('a')), 0);
  t.equal(table.declare(gauge('bad name')), -1);
  t.equal(table.declare(gauge('b')), 1);
  t.equal(table.declare(gauge('c')), -1);
  t.equal(table.declare(gauge('b')), 1, 'the same series keeps its slot');
  table.set(-1, 5);
  t.equal(table.refusedTotal, 1);
  t.match(seen[0], /no valid metric name/);
  t.equal(table.catalogue().series.length, 2);
  t.end();
});
