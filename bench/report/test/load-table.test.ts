import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import type { LoadReport } from '../../load/load-report.ts';
import { loadTable } from '../load-table.ts';
import { madeUpReport } from './made-up-report.ts';

const tableOf = (changes: Partial<LoadReport> = {}): string =>
  loadTable(madeUpReport(changes), { colour: false });

const linesOf = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());

await t.test('the figures of the page as text', (t) => {
  const table = tableOf();
  for (const expected of [
    /^10,000 agents × 200 metrics every 5 s$/m,
    /^120 s measured after 30 s of warm-up, then 14 s of drain; plain TCP; 1 collector, /m,
    /^✓ every sample stored once, unchanged$/m,
    /^400k samples\/s, 48,000,000 sent, 48,000,000 stored$/m,
    /^0 lost, 0 duplicated, 0 changed, 0 dropped, /m,
    /^collector +0\.081 +18% +212 MiB +\+113 KiB$/m,
    /^drain +0\.031 +7\.0%$/m,
    /^total +0\.442 +100% +1\.71 GiB$/m,
    /^machine +0\.507$/m,
    /^freshness +812 ms +1\.64 s +2\.21 s +4,800$/m,
    /^7\.21 B a sample on the wire, 1\.38 B on disk in 14 parts; 179 KiB of memory an agent, 9\.00 KiB of a collector's a connection$/m,
    /^machine 31% busy; busiest thread: collector 7\.0%, .* of a core; freshness −1\.20 ms a minute; parts \+0\.25 a minute$/m,
  ]) {
    t.match(table, expected);
  }
  t.end();
});

await t.test('what is wrong is said, and what was not measured is not 0', (t) => {
  const table = tableOf({
    samples_lost: 12,
    alert_latency_ms: { count: 0, p50: 0, p99: 0, max: 0 },
  });
  t.match(table, /^✗ 12 samples lost$/m);
  t.match(table, /^12 lost, 0 duplicated/m);
  t.match(table, /^alert latency +– +– +– +0$/m);
  t.end();
});

await t.test('a short run says nothing of growth', (t) => {
  const table = tableOf({ trend: null });
  t.match(table, /^collector +0\.081 +18% +212 MiB$/m);
  t.notMatch(table, 'a minute;');
  t.end();
});

await t.test('colours are added only where they are wanted, and change no text', (t) => {
  const plain = tableOf({ samples_lost: 12 });
  t.equal(stripVTControlCharacters(plain), plain);
  const colourful = loadTable(madeUpReport({ samples_lost: 12 }), { colour: true });
  t.not(colourful, plain);
  t.same(linesOf(stripVTControlCharacters(colourful)), linesOf(plain));
  t.end();
});

await t.test('a name cannot move the cursor', (t) => {
  const { machine } = madeUpReport();
  t.notMatch(tableOf({ machine: { ...machine, cpu: 'fast\x1b[2J' } }), '\x1b');
  t.end();
});
