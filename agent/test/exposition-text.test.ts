import t from 'tap';
import type { Label, SeriesKind } from '../../pipeline/wire/catalogue.ts';
import { qualityOf } from '../accept-header.ts';
import { ExpositionText } from '../exposition-text.ts';
import { SeriesTable } from '../series-table.ts';

/** A table with these series present. */
function tableOf(
  ...rows: readonly (readonly [
    kind: SeriesKind,
    name: string,
    labels: readonly Label[],
    value: number,
    help?: string,
    unit?: string,
  ])[]
): SeriesTable {
  const table = new SeriesTable({ seriesMax: 100 });
  table.clear();
  for (const [kind, name, labels, value, help = '', unit = ''] of rows) {
    table.set(table.declare({ name, kind, unit, help }, labels), value);
  }
  return table;
}

const lines = (...all: string[]): string => all.map((line) => `${line}\n`).join('');

await t.test('the text groups a metric, escapes labels and leaves out what is absent', (t) => {
  const table = tableOf(['gauge', 'load', [['gone', 'yes']], 1], ['gauge', 'all_gone', [], 1]);
  table.clear();
  const set = (name: string, kind: SeriesKind, labels: Label[], value: number, help = '') =>
    table.set(table.declare({ name, kind, unit: '', help }, labels), value);
  set('cpu_total', 'counter', [['mode', 'us"er\n\\']], 1e21, 'CPU \\ time\n"x".');
  set('load', 'gauge', [], NaN);
  set('cpu_total', 'counter', [['cpu', '1']], -Infinity);
  t.equal(
    new ExpositionText(table, 'prometheus').render(),
    lines(
      '# TYPE load gauge',
      'load NaN',
      '# HELP cpu_total CPU \\\\ time\\n"x".',
      '# TYPE cpu_total counter',
      'cpu_total{mode="us\\"er\\n\\\\"} 1e+21',
      'cpu_total{cpu="1"} -Inf',
    ),
  );
  t.end();
});

await t.test('OpenMetrics has families without _total, units and an end', (t) => {
  const table = tableOf(
    ['counter', 'cpu_seconds_total', [], 1.5, 'Say "so".', 'seconds'],
    ['counter', 'plain', [], 2],
    ['counter', 'files_total', [], 3],
    ['gauge', 'files', [], 4],
    ['untyped', 'odd', [], Infinity],
    ['gauge', 'size_bytes', [], 5, '', 'bytes'],
    ['gauge', 'temp', [], 6, '', 'celsius'],
  );
  t.equal(
    new ExpositionText(table, 'openmetrics').render(),
    lines(
      '# TYPE cpu_seconds counter',
      '# UNIT cpu_seconds seconds',
      '# HELP cpu_seconds Say \\"so\\".',
      'cpu_seconds_total 1.5',
      '# TYPE plain unknown',
      'plain 2',
      '# TYPE files_total unknown',
      'files_total 3',
      '# TYPE files gauge',
      'files 4',
      '# TYPE odd unknown',
      'odd +Inf',
      '# TYPE size_bytes gauge',
      '# UNIT size_bytes bytes',
      'size_bytes 5',
      '# TYPE temp gauge',
      'temp 6',
      '# EOF',
    ),
  );
  t.end();
});

await t.test('the parts of a histogram are one family, its buckets in order', (t) => {
  const table = tableOf(
    ['histogram', 'took_seconds_sum', [['a', '1']], 9],
    ['histogram', 'took_seconds_bucket', [['a', '1'], ['le', '+Inf']], 3],
    ['histogram', 'took_seconds_bucket', [['a', '2'], ['le', '+Inf']], 1],
    ['histogram', 'took_seconds_bucket', [['a', '1'], ['le', '10']], 2],
    ['histogram', 'took_seconds_bucket', [['a', '1'], ['le', '9']], 1],
    ['histogram', 'took_seconds_count', [['a', '1']], 3],
    ['summary', 'rpc', [['quantile', '0.5']], 1],
    ['summary', 'rpc_count', [], 2],
  ); // prettier-ignore
  t.equal(
    new ExpositionText(table, 'prometheus').render(),
    lines(
      '# TYPE took_seconds histogram',
      'took_seconds_bucket{a="1",le="9"} 1',
      'took_seconds_bucket{a="1",le="10"} 2',
      'took_seconds_bucket{a="1",le="+Inf"} 3',
      'took_seconds_count{a="1"} 3',
      'took_seconds_sum{a="1"} 9',
      'took_seconds_bucket{a="2",le="+Inf"} 1',
      '# TYPE rpc summary',
      'rpc{quantile="0.5"} 1',
      'rpc_count 2',
    ),
  );
  t.end();
});

await t.test('a series that joins later is in the next text', (t) => {
  const table = tableOf(['gauge', 'a', [], 1]);
  const text = new ExpositionText(table, 'prometheus');
  t.equal(text.render(), lines('# TYPE a gauge', 'a 1'));
  table.set(table.declare({ name: 'b', kind: 'gauge', unit: '', help: '' }), 2);
  t.equal(text.render(), lines('# TYPE a gauge', 'a 1', '# TYPE b gauge', 'b 2'));
  t.end();
});

await t.test('what a client wants is read from its headers', (t) => {
  const prometheus =
    'application/openmetrics-text;version=1.0.0;q=0.6,text/plain; version=0.0.4;Q=0.5,*/*;q=0.1';
  t.equal(qualityOf(prometheus, 'application/openmetrics-text'), 0.6);
  t.equal(qualityOf(prometheus, 'text/plain'), 0.5);
  t.equal(qualityOf(prometheus, 'text/html'), 0);
  t.equal(qualityOf('gzip, br', 'gzip'), 1);
  t.equal(qualityOf('gzip;q=0', 'gzip'), 0);
  t.equal(qualityOf('gzip;q=nonsense', 'gzip'), 0);
  t.equal(qualityOf(undefined, 'gzip'), 0);
  t.end();
});
