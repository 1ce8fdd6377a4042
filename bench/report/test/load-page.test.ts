import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import t from 'tap';
import type { LoadReport } from '../../load/load-report.ts';
import { loadPage } from '../load-page.ts';
import { madeUpReport } from './made-up-report.ts';

const HOSTILE = `"><img src=x onerror=alert(1)></script><script>alert('x')</script>`;

interface Grid {
  readonly x: number[];
  readonly shaded: { readonly label: string; readonly from: number; readonly to: number }[];
  readonly charts: {
    readonly unit: string;
    readonly series: {
      readonly label: string;
      readonly look: string;
      readonly values: (number | null)[];
    }[];
  }[];
}

function contentsOf(page: string, tag: RegExp): string[] {
  return [...page.matchAll(tag)].map(([, content]) => content!);
}

const programsOf = (page: string) => contentsOf(page, /<script>(.*?)<\/script>/gs);

function gridOf(page: string): Grid {
  const [json] = contentsOf(page, /<script type="application\/json">(.*?)<\/script>/gs);
  return JSON.parse(json!) as Grid;
}

await t.test('the page needs nothing else and may load nothing', (t) => {
  const page = loadPage(madeUpReport());
  t.notOk(/<(?:script|img|iframe|object|embed)[^>]*\ssrc=/i.test(page));
  t.same(contentsOf(page, /<link[^>]*href="([^"]*)"/g), ['data:,'], 'no icon is asked for either');
  t.notOk(/@import|url\(/.test(page));
  t.ok(page.includes('default-src &#39;none&#39;; '));
  t.end();
});

await t.test('its policy allows the programs that are in it and no other', (t) => {
  const page = loadPage(madeUpReport());
  const programs = programsOf(page);
  t.equal(programs.length, 2);
  for (const program of programs) {
    const hash = createHash('sha256').update(program).digest('base64');
    t.ok(page.includes(`&#39;sha256-${hash}&#39;`), 'the hash is that of the text as it stands');
    t.doesNotThrow(() => new Script(program), 'and it is a program');
    t.notMatch(program, /^(?:import|export) /m);
  }
  t.ok(page.includes('Permission is hereby granted'), "the library's licence comes with it");
  t.end();
});

await t.test('text of the report is text, never markup', (t) => {
  const { machine } = madeUpReport();
  const page = loadPage(madeUpReport({ machine: { ...machine, cpu: HOSTILE, commit: HOSTILE } }));
  t.notOk(/<img|<script>alert/.test(page));
  t.equal(programsOf(page).length, 2);
  t.ok(page.includes('&quot;&gt;&lt;img src=x'));
  t.end();
});

await t.test('the data of the charts is in it, gaps as null', (t) => {
  const report = madeUpReport();
  const { x, shaded, charts } = gridOf(loadPage(report));
  t.same(
    x,
    report.timeline.map(({ seconds }) => seconds),
  );
  t.same(shaded, [
    { from: -30, to: 0, label: 'warm-up' },
    { from: 120, to: 133, label: 'drain' },
  ]);
  t.equal(charts.length, 7);
  for (const { series } of charts) {
    for (const { values } of series) t.equal(values.length, x.length);
  }
  const [throughput, freshness, cpu] = charts;
  t.same(
    freshness!.series[0]!.values.map((value) => value === null),
    report.timeline.map((row) => row.freshness_ms === undefined),
  );
  const sent = throughput!.series[0]!.values[50]!;
  const meant = report.timeline[50]!.samples_sent_per_second;
  t.ok(Math.abs(sent - meant) <= meant * 1e-5, 'values are rounded, but not so that it shows');
  t.same(
    cpu!.series.map(({ label, look }) => `${label} ${look}`),
    [
      'collector layer',
      'nats layer',
      'writer layer',
      'clickhouse layer',
      'alerter layer',
      'simulator layer',
      'machine dashed',
    ],
  );
  t.end();
});

await t.test('a run without rows has a page as well', (t) => {
  const { x, shaded } = gridOf(loadPage(madeUpReport({ timeline: [] })));
  t.same({ x, shaded }, { x: [], shaded: [] });
  t.end();
});

const VERDICTS: readonly (readonly [Partial<LoadReport>, string, string])[] = [
  [{}, 'good', 'every sample stored once, unchanged'],
  [{ samples_lost: 1 }, 'bad', '1 sample lost'],
  [
    { samples_duplicated: 1200, samples_changed: 2 },
    'bad',
    '1,200 samples duplicated, 2 samples changed',
  ],
  [{ samples_dropped: 5 }, 'bad', '5 samples dropped'],
  [{ samples_sent: 0, samples_stored: 0 }, 'bad', 'no sample was sent'],
];

await t.test('it says first whether the run went well', (t) => {
  for (const [changes, tone, verdict] of VERDICTS) {
    const page = loadPage(madeUpReport(changes));
    t.ok(page.includes(`<p class="verdict ${tone}"><span class="mark"></span>${verdict}</p>`));
  }
  const late = loadPage(madeUpReport({ ticks_skipped: 3 }));
  t.ok(late.includes('<li class="warning"><span class="mark"></span><b>3</b> ticks skipped</li>'));
  t.equal(contentsOf(late, /<li class="(good)">/g).length, 7);
  t.end();
});

await t.test('what was not measured is not shown as 0', (t) => {
  const nothing = { count: 0, p50: 0, p99: 0, max: 0 };
  const page = loadPage(madeUpReport({ alert_latency_ms: nothing }));
  const [, tile] = page.split('<h2>Alert latency</h2>');
  t.ok(tile!.trimStart().startsWith('<p class="figure">–'));
  t.end();
});
