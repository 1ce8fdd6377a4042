import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../bus/bus.ts';
import { shelvedCatalogue } from '../../bus/shelved-catalogue.ts';
import { StreamReader } from '../../bus/stream-reader.ts';
import { silentLog, testBus, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { alignedCopy, readBatch } from '../../wire/batch.ts';
import { decodeCatalogueMessage } from '../../wire/catalogue-message.ts';
import type { Catalogue } from '../../wire/catalogue.ts';
import { decodeCatalogue, seriesKey } from '../../wire/catalogue.ts';
import * as frame from '../../wire/frame.ts';
import { laneOf, shardOf, targetId } from '../../wire/shard.ts';
import { RecentIncrease } from '../recent-increase.ts';
import { SelfCatalogue } from '../self-catalogue.ts';
import { SelfReport } from '../self-report.ts';
import { selfSamples } from '../self-series.ts';

const nats = await testNats(t);

interface Heard {
  readonly target: bigint;
  readonly seq: number;
  readonly ageMs: number;
  readonly catalogue: bigint;
  /** By series key. */
  readonly values: ReadonlyMap<string, number>;
}

/** Everything that is in the lane of `role/member`, understood with what came along it. */
class LaneEar {
  readonly heard: Heard[] = [];
  readonly catalogues = new Map<bigint, Catalogue>();

  constructor(t: Test, bus: Bus, instance: string) {
    const { topology } = bus;
    const lane = topology.lane(laneOf(shardOf(targetId(instance)), topology.lanes));
    const reader = new StreamReader(bus, { stream: lane.stream, from: 1 });
    t.teardown(() => reader.stop());
    void this.#follow(reader);
  }

  async #follow(reader: StreamReader): Promise<void> {
    for await (const { data } of reader) {
      readBatch(alignedCopy(data), {
        onCatalogue: (source, offset, length) => {
          const catalogue = decodeCatalogueMessage(source, offset, length);
          this.catalogues.set(catalogue.hash, catalogue);
        },
        onFrame: (source, offset) => this.heard.push(this.#understood(source, offset)),
      });
    }
  }

  #understood(source: Buffer, offset: number): Heard {
    const catalogue = this.catalogues.get(frame.frameCatalogue(source, offset))!;
    const values = new Map<string, number>();
    const at = offset + frame.valuesAt(catalogue.series.length);
    catalogue.series.forEach(({ name, labels }, slot) => {
      if (!frame.isPresent(source, offset, slot)) return;
      values.set(seriesKey(name, labels), source.readDoubleLE(at + 8 * slot));
    });
    return {
      target: frame.frameTarget(source, offset),
      seq: frame.frameSeq(source, offset),
      ageMs: Date.now() - frame.frameTimestampMs(source, offset),
      catalogue: catalogue.hash,
      values,
    };
  }
}

function report(t: Test, bus: Bus, registry: Registry, member = 'host-a'): SelfReport {
  const stop = new AbortController();
  const one = new SelfReport({
    bus,
    role: 'writer',
    member,
    metrics: () => registry.getMetricsAsJSON(),
    log: silentLog,
    intervalMs: 50,
  });
  const ended = one.run(stop.signal);
  t.teardown(() => {
    stop.abort();
    return ended;
  });
  return one;
}

await t.test('counters and gauges arrive as frames of the component, in order', async (t) => {
  const bus = await testBus(t, nats.port, 'plain');
  const ear = new LaneEar(t, bus, 'writer/host-a');
  const registry = new Registry();
  const registers = [registry];
  const frames = new Counter({ name: 'frames_total', help: 'f', labelNames: ['lane'], registers });
  new Gauge({ name: 'lag_seconds', help: 'l', registers }).set(NaN);
  new Histogram({ name: 'h', help: 'left out', registers }).observe(1);
  frames.inc({ lane: '2x0' }, 7);
  report(t, bus, registry);
  await until('three have come', () => ear.heard.length >= 3);
  const [first, second] = ear.heard;
  t.equal(first!.target, targetId('writer/host-a'));
  t.same(
    ear.heard.map(({ seq }) => seq),
    ear.heard.map((_, i) => i + 1),
  );
  t.same(Object.fromEntries(first!.values), {
    'frames_total{lane="2x0"}': 7,
    rollcall_self_reports_dropped_total: 0,
    rollcall_self_reports_dropped_10m: 0,
    rollcall_self_series_refused_total: 0,
    rollcall_self_series_refused_10m: 0,
  });
  t.equal(second!.catalogue, first!.catalogue);
  t.equal(ear.catalogues.size, 1, 'the catalogue is sent once');

  frames.inc({ lane: '2x1' }, 3);
  await until('another series has come', () => ear.catalogues.size === 2);
  await until('with its value', () =>
    ear.heard.some(({ values }) => values.get('frames_total{lane="2x1"}') === 3),
  );
  // Known to whoever begins later, too.
  for (const hash of ear.catalogues.keys()) {
    t.equal(decodeCatalogue((await shelvedCatalogue(bus, hash))!).hash, hash);
  }
  const kinds = ear.catalogues.get(first!.catalogue)!.series.map(({ name, kind, unit }) => {
    return [name, kind, unit];
  });
  t.same(kinds[0], ['frames_total', 'counter', '']);
});

await t.test('a report that cannot get out in time is dropped, counted and missing', async (t) => {
  const bus = await testBus(t, nats.port, 'away');
  const ear = new LaneEar(t, bus, 'writer/host-a');
  const one = report(t, bus, new Registry());
  await until('one has come', () => ear.heard.length > 0);
  await nats.kill();
  await until('some were dropped', () => one.counters.dropped > 3);
  await nats.startAgain();
  const dropped = 'rollcall_self_reports_dropped_total';
  const told = await until('it tells so itself', () => {
    return ear.heard.find(({ values }) => (values.get(dropped) ?? 0) > 3);
  });
  t.ok(told.seq > told.values.get(dropped)!, 'what was dropped has a number');
  t.equal(told.values.get('rollcall_self_reports_dropped_10m'), told.values.get(dropped));
  const seqs = ear.heard.map(({ seq }) => seq);
  t.same(
    seqs.toSorted((a, b) => a - b),
    seqs,
  );
  t.equal(new Set(seqs).size, seqs.length, 'none is there twice');
});

await t.test('a NATS that hangs does not hold up the end of the process', async (t) => {
  const bus = await testBus(t, nats.port, 'hangs');
  const ear = new LaneEar(t, bus, 'writer/host-a');
  const stop = new AbortController();
  const registry = new Registry();
  const metrics = () => registry.getMetricsAsJSON();
  const options = { bus, role: 'writer', member: 'host-a', metrics, log: silentLog };
  const one = new SelfReport({ ...options, intervalMs: 20 });
  const ended = one.run(stop.signal);
  await until('one has come', () => ear.heard.length > 0);
  nats.signal('SIGSTOP');
  stop.abort();
  await ended;
  t.equal(one.counters.dropped, 0);
  nats.signal('SIGCONT');
});

await t.test('metrics that fail or are nonsense never end the reports', async (t) => {
  const bus = await testBus(t, nats.port, 'failing');
  const ear = new LaneEar(t, bus, 'writer/host-a');
  const registry = new Registry();
  let isBroken = true;
  const help = 'x';
  const broken: Gauge = new Gauge({
    name: 'broken',
    help,
    registers: [registry],
    collect() {
      if (isBroken) throw new Error('cannot be read');
      broken.set(1);
    },
  });
  const one = report(t, bus, registry);
  await until('reports were dropped', () => one.counters.dropped > 2);
  isBroken = false;
  await until('it reports', () => ear.heard.some(({ values }) => values.get('broken') === 1));
});

function metric(name: string, labels: Record<string, string | number>, value: number) {
  return { name, help: 'h'.repeat(2000), type: 'gauge', values: [{ labels, value }] };
}

await t.test('labels are sorted and cut, units follow names, NaN is absent', (t) => {
  const taken = [
    ...selfSamples(
      [
        metric('a_bytes', { z: 1, b: 'x', empty: '' }, 1),
        metric('wait_seconds', { reason: '☃'.repeat(2000) }, 2),
        metric('unknown', {}, NaN),
      ],
      new RecentIncrease(),
      0,
    ),
  ];
  t.same(
    taken.map(({ info: { name, unit } }) => [name, unit]),
    [
      ['a_bytes', 'bytes'],
      ['wait_seconds', 'seconds'],
    ],
  );
  t.same(taken[0]!.info.labels, [
    ['b', 'x'],
    ['z', '1'],
  ]);
  const head = { incarnation: 1n, seq: 1, timestampMs: 1 };
  t.doesNotThrow(() => new SelfCatalogue().frame(taken, head), 'a catalogue takes them');
  t.end();
});

function gauges(...names: readonly string[]) {
  return names.map((name) => ({
    key: name,
    info: { name, labels: [], kind: 'gauge' as const, unit: '', help: '' },
    value: 1,
  }));
}

await t.test('a series keeps its place while it is absent; where room is short it goes', (t) => {
  const places = new SelfCatalogue(3);
  const head = { incarnation: 1n, seq: 1, timestampMs: 1 };
  const present = (names: readonly string[]): string[] => {
    const written = places.frame(gauges(...names), head);
    return places.catalogue.series
      .filter((_, slot) => frame.isPresent(written, 0, slot))
      .map(({ name }) => name);
  };
  t.same(present(['a', 'b']), ['a', 'b']);
  const { hash } = places.catalogue;
  t.same(present(['b']), ['b']);
  t.equal(places.catalogue.hash, hash);
  t.same(present(['b', 'c']), ['b', 'c']);
  t.equal(places.catalogue.series.length, 3);
  t.same(present(['c', 'd', 'e']), ['c', 'd', 'e']);
  t.equal(places.refusedTotal, 0);
  t.same(present(['c', 'd', 'e', 'f']), ['c', 'd', 'e']);
  t.equal(places.refusedTotal, 1);
  t.end();
});

await t.test('what counters have grown by lately is known, and forgotten in time', (t) => {
  const recent = new RecentIncrease(20_000);
  t.equal(recent.add('a', 5, 0), 5, 'a counter begins at 0');
  t.equal(recent.add('a', 5, 10_000), 5);
  t.equal(recent.add('a', 7, 15_000), 7);
  t.equal(recent.add('b', 1, 15_000), 1);
  t.equal(recent.add('a', 7, 21_000), 2, 'the first step has passed');
  t.equal(recent.add('a', 3, 22_000), 5, 'it began anew');
  t.equal(recent.add('a', 3, 60_000), 0);
  t.equal(recent.size, 2);
  t.end();
});
