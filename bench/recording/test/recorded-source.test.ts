import t from 'tap';
import { SeriesTable } from '../../../agent/series-table.ts';
import { metricId } from '../../../pipeline/wire/catalogue.ts';
import { BREACHES } from '../../fleet/fleet-source.ts';
import { RecordedSource } from '../recorded-source.ts';
import type { RecordedSeries, Recording } from '../recording.ts';
import { Replay } from '../replay.ts';
import { standardRecording } from '../standard-recording.ts';

function series(
  name: string,
  kind: RecordedSeries['kind'],
  values: number[],
  present = values.map(() => 1),
): RecordedSeries {
  return {
    name,
    labels: [],
    kind,
    unit: '',
    help: 'Help.',
    values: Float64Array.from(values),
    present: Uint8Array.from(present),
  };
}

const small: Recording = {
  intervalMs: 5000,
  ticks: 4,
  series: [
    series('node_seconds_total', 'counter', [10.1, 10.3, 10.3, 11.4]),
    series('node_load1', 'gauge', [0.3, 0.1, 0.7, 0.2]),
    series('node_gapped', 'gauge', [1, 0, 1, 1], [1, 0, 1, 1]),
    series('node_reset_total', 'counter', [5, 9, 2, 3]),
    series('node_pages', 'untyped', [1, 2, 2, 5]),
    series('node_forwarding', 'untyped', [2, 2, 2, 2]),
    series(
      'node_time_total',
      'counter',
      [374388, 374389, 374391, 374400].map((ms) => ms * 0.001),
    ),
  ],
};

/** What a source says at so many ticks, by name of the series. */
function said(replay: Replay, seed: number, ticks: number): Map<string, number[]> {
  const table = new SeriesTable({ seriesMax: 1000 });
  const source = new RecordedSource(replay, seed);
  table.reading = source.name;
  const result = new Map<string, number[]>();
  for (let tick = 0; tick < ticks; tick += 1) {
    table.clear();
    source.read(table);
    for (const [i, { name, labels }] of table.series.entries()) {
      const key = [name, ...labels.flat()].join();
      const values = result.get(key) ?? [];
      if (table.isPresent(i)) values.push(table.values[i]!);
      result.set(key, values);
    }
  }
  return result;
}

const isRising = (values: readonly number[]): boolean =>
  values.every((value, i) => i === 0 || value >= values[i - 1]!);

await t.test('hosts repeat the recording from ticks and counts of their own', (t) => {
  const replay = new Replay(small, BREACHES.length + 6);
  const starts = new Set<number>();
  const first = new Set<number>();
  for (let seed = 0; seed < 40; seed += 1) {
    const values = said(replay, seed, 12);
    t.equal(values.size, 10);
    t.notOk(values.has('node_gapped'), 'what was not always there is left out');
    const load = values.get('node_load1')!;
    const start = [0.3, 0.1, 0.7, 0.2].indexOf(load[0]!);
    t.same(
      load,
      Array.from({ length: 12 }, (_, i) => [0.3, 0.1, 0.7, 0.2][(start + i) % 4]),
    );
    starts.add(start);
    first.add(values.get('node_seconds_total')![0]!);
    for (const name of ['node_seconds_total', 'node_reset_total', 'node_pages']) {
      t.ok(isRising(values.get(name)!), `${name} grows from lap to lap`);
    }
    const seconds = values.get('node_seconds_total')!;
    t.ok(
      seconds.every((value) => Object.is(value, Number(value.toFixed(1)))),
      'short decimals',
    );
    t.equal((seconds[8]! - seconds[0]!).toFixed(1), '2.6', 'two laps add twice the growth');
    const ms = values.get('node_time_total')!;
    t.ok(ms.every((value) => Object.is(value, Math.round(value * 1000) * 0.001)));
    t.ok(values.get('node_forwarding')!.every((value) => value === 2));
  }
  t.equal(starts.size, 4);
  t.ok(first.size > 20);
  t.same(said(replay, 3, 9), said(replay, 3, 9), 'a seed says the same again');
  t.end();
});

await t.test('if more series are wanted than were recorded, they come again with a label', (t) => {
  const replay = new Replay(small, BREACHES.length + 8);
  const names = [...said(replay, 1, 1).keys()];
  t.equal(new Set(names).size, BREACHES.length + 8);
  t.same(names.slice(0, 4), [...BREACHES]);
  t.same(names.slice(-2), ['node_seconds_total,copy,2', 'node_load1,copy,2']);
  t.same(
    Array.from(replay.weights.subarray(-2)),
    ['node_seconds_total', 'node_load1']
      .map((name) => Number(metricId(name, [['copy', '2']]) & 0xffff_ffffn) | 1)
      .map((weight) => weight >>> 0),
  );
  t.end();
});

await t.test('if fewer are wanted, those that vary are kept', (t) => {
  const names = [...said(new Replay(small, BREACHES.length + 5), 1, 1).keys()];
  t.notOk(names.includes('node_forwarding'));
  t.throws(() => new Replay({ ...small, series: [] }, 10), { code: 'recording_invalid' });
  t.end();
});

await t.test('a breach is shown until it is ended, by the host it was set for', (t) => {
  const replay = new Replay(small, BREACHES.length + 6);
  const table = new SeriesTable({ seriesMax: 100 });
  const [one, other] = [new RecordedSource(replay, 1), new RecordedSource(replay, 2)];
  table.reading = one.name;
  one.set('sim_breach_held', true);
  one.read(table);
  t.same(Array.from(one.values.subarray(0, 4)), [0, 1, 0, 0]);
  other.read(table);
  t.same(Array.from(other.values.subarray(0, 4)), [0, 0, 0, 0]);
  one.set('sim_breach_held', false);
  one.read(table);
  t.same(Array.from(one.values.subarray(0, 4)), [0, 0, 0, 0]);
  t.equal(table.size, replay.count, 'hosts of one table share its slots');
  t.end();
});

await t.test('what is replayed of the standard recording has no more digits than was said', (t) => {
  const recording = standardRecording();
  const replay = new Replay(recording, 200);
  t.equal(replay.count, 200);
  const spoken = new Map(
    recording.series.map((each) => [
      [each.name, ...each.labels.flat()].join(),
      Math.max(...each.values.map((value) => String(value).split('.')[1]?.length ?? 0)),
    ]),
  );
  for (const [key, values] of said(replay, 5, 2 * recording.ticks)) {
    const digits = Math.max(...values.map((value) => String(value).split('.')[1]?.length ?? 0));
    // Those of a product are as many as the product happens to have.
    if (key.includes('_time_seconds_total') || key.includes('_time_weighted_')) continue;
    if (key.startsWith('node_pressure_')) continue;
    t.ok(digits <= (spoken.get(key) ?? 0), `${key}: ${digits} digits`);
  }
  t.end();
});
