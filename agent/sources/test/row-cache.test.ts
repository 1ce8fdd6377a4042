import t from 'tap';
import { ByteScanner } from '../byte-scanner.ts';
import { ROWS_MAX, RowCache } from '../row-cache.ts';
import { RecordingSink } from './recording-sink.ts';

const sink = new RecordingSink();

function reader(created: string[]): (names: readonly string[]) => (string | null)[] {
  const scan = new ByteScanner(1 << 20);
  const rows = new RowCache('test', (scan) => {
    const name = scan.wordText();
    created.push(name);
    return name.startsWith('-') ? null : name.toUpperCase();
  });
  return (names) => {
    scan.end = scan.bytes.write(names.join(' '));
    scan.rewind();
    rows.restart();
    const found: (string | null)[] = [];
    while (scan.word()) found.push(rows.at(scan, sink));
    return found;
  };
}

await t.test('rows are created once, wherever they come and go', (t) => {
  const created: string[] = [];
  const read = reader(created);
  t.same(read(['a', 'b', '-', 'c']), ['A', 'B', null, 'C']);
  t.same(read(['a', '-', 'c']), ['A', null, 'C']);
  t.same(read(['c', 'a', 'b']), ['C', 'A', 'B']);
  t.same(read([]), []);
  t.same(read(['a', 'a', 'a', 'ab']), ['A', 'A', 'A', 'AB']);
  t.same(created, ['a', 'b', '-', 'c', 'ab']);
  t.end();
});

await t.test('rows that are gone for good are forgotten', (t) => {
  const created: string[] = [];
  const read = reader(created);
  for (let i = 0; i < 1000; i++) read(['stays', `veth${i}`]);
  t.equal(created.length, 1001);
  read(['stays', 'veth0']);
  t.equal(created.length, 1002, 'created again');
  t.equal(created.filter((name) => name === 'stays').length, 1);
  t.end();
});

await t.test('rows beyond the limit are left out and counted once a reading', (t) => {
  const read = reader([]);
  const names = Array.from({ length: ROWS_MAX + 2 }, (_, i) => `r${i}`);
  const found = read(names);
  t.same(found.slice(-3), [`R${ROWS_MAX - 1}`, null, null]);
  t.same(sink.malformations, [`test: more than ${ROWS_MAX} rows`]);
  t.end();
});
