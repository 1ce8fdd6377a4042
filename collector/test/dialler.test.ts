import { createServer } from 'node:net';
import { pino } from 'pino';
import t from 'tap';
import { testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { laneOf, shardOf } from '../../pipeline/wire/shard.ts';
import { REPORT_CATALOGUE } from '../target-report.ts';
import {
  LaneTap,
  range,
  testAgent,
  testDialler,
  testTarget,
  until,
  RING_FRAMES_MAX,
} from './road.ts';

const nats = await testNats(t);
const bus = await testBus(t, nats.port);
const tap = new LaneTap(t, bus);

await t.test(
  'frames come out on their lane, stamped, unchanged, and their catalogue first',
  async (t) => {
    const agents = await Promise.all(range(1, 6).map(() => testAgent(t)));
    const targets = agents.map(({ port }, i) => testTarget(`road-${i}`, port));
    const { dialler, setTargets } = testDialler(t, bus);
    setTargets(...targets);
    await until('five frames of each', () => {
      return targets.every((target) => tap.framesOf(target).length >= 5);
    });
    const lanes = new Set<number>();
    const announcedOn = new Set<number>();
    targets.forEach((target, i) => {
      const frames = tap.framesOf(target);
      const { agent } = agents[i]!;
      t.same(
        frames.map(({ seq }) => seq),
        range(1, frames.length),
        'each frame once, in order',
      );
      t.ok(frames.every(({ lane }) => lane === laneOf(shardOf(target.id), 2)));
      t.ok(frames.every(({ incarnation }) => incarnation === agent.store.incarnation));
      const isAnnounced = frames[0]!.isAnnounced;
      t.ok(frames.every((frame) => frame.isAnnounced === isAnnounced));
      if (isAnnounced) announcedOn.add(frames[0]!.lane);
      const catalogue = tap.catalogues.get(frames[0]!.catalogue)!;
      t.match(catalogue.series[0], { name: 'node_load1', labels: [['unit', 'test']] });
      t.same(
        frames.map(({ values }) => values[0]),
        range(1, frames.length),
      );
      lanes.add(frames[0]!.lane);
    });
    t.equal(lanes.size, 2, 'both lanes were used');
    t.equal(announcedOn.size, 1, 'the catalogue that all have comes first on the lane that has it');
    t.ok(dialler.counters.frames >= 30);
    t.same(dialler.upCount(), { up: 6, all: 6 });
    t.equal(dialler.linkStates().get('streaming'), 6);
    await until('everything acknowledged', () => {
      return agents.every(({ agent }) => agent.store.ring.frames <= RING_FRAMES_MAX);
    });
    const subject = bus.topology.catalogueSubject(
      tap.framesOf(targets[0]!)[0]!.catalogue.toString(16).padStart(16, '0'),
    );
    t.ok(await bus.last(bus.topology.cataloguesStream, subject), 'and is kept for late consumers');
  },
);

await t.test('an agent that was restarted is dialled again and is another run', async (t) => {
  const first = await testAgent(t);
  const target = testTarget('restarted', first.port);
  const { setTargets } = testDialler(t, bus);
  setTargets(target);
  await until('a frame of the first run', () => tap.framesOf(target).length > 0);
  await first.stop();
  const second = await testAgent(t, { port: first.port });
  const ofSecond = () =>
    tap
      .framesOf(target)
      .filter(({ incarnation }) => incarnation === second.agent.store.incarnation);
  await until('frames of the second run', () => ofSecond().length >= 3);
  t.not(second.agent.store.incarnation, first.agent.store.incarnation);
  t.equal(ofSecond()[0]!.seq, 1, 'its numbers begin again');
  await until('acknowledged', () => second.agent.store.ring.frames <= RING_FRAMES_MAX);
});

await t.test('every target is reported on, reachable or not', async (t) => {
  const { port } = await testAgent(t);
  const here = testTarget('reported', port);
  const gone = testTarget('unreachable', await freePort());
  const nowhere = { ...testTarget('nowhere', 1), address: 'no address at all' };
  const { setTargets, ended } = testDialler(t, bus);
  setTargets(here, gone, nowhere);
  const latest = (target: typeof here) => tap.reportsOf(target).at(-1)?.values ?? [];
  await until('up', () => latest(here)[0] === 1);
  await until('reports of all', () => {
    return [gone, nowhere].every((target) => tap.reportsOf(target).length >= 3);
  });
  t.same(
    REPORT_CATALOGUE.series.map(({ name }) => name),
    [
      'up',
      'rollcall_target_connect_seconds',
      'rollcall_target_clock_skew_seconds',
      'rollcall_target_frames_quarantined',
    ],
  );
  const alongside = () =>
    tap.reportsOf(here).filter(({ catalogue }) => catalogue !== REPORT_CATALOGUE.hash);
  await until('reports go along with frames', () => alongside().length >= 3);
  t.ok(alongside().every(({ values }) => values[0] === 1));
  t.same(
    alongside().map(({ seq }) => seq),
    tap.framesOf(here).map(({ seq }) => seq),
    'with each',
  );
  const [, connectSeconds, skewSeconds] = latest(here);
  t.ok(connectSeconds! > 0 && connectSeconds! < 30, `connected in ${connectSeconds} s`);
  t.ok(Math.abs(skewSeconds!) < 30, `one clock: ${skewSeconds} s`);
  for (const target of [gone, nowhere]) {
    const reports = tap.reportsOf(target);
    t.ok(reports.every(({ values }) => values[0] === 0));
    t.same(reports[0]!.values.slice(1), [undefined, undefined, 0], 'unmeasured is absent');
    t.equal(new Set(reports.map(({ incarnation }) => incarnation)).size, 1);
    t.same(
      reports.map(({ seq }) => seq),
      range(1, reports.length),
    );
    t.ok(reports.every(({ isAnnounced }) => isAnnounced));
  }
  await until('the bad address is counted', () => ended('dial_failed') > 0);
  await until('so is the refusal', () => ended('refused') > 0);
});

await t.test('a target that stops answering is reported down', async (t) => {
  const agent = await testAgent(t);
  const target = testTarget('stops', agent.port);
  const { setTargets } = testDialler(t, bus);
  setTargets(target);
  const up = () => tap.reportsOf(target).at(-1)?.values[0];
  await until('up', () => up() === 1);
  await agent.stop();
  await until('down', () => up() === 0);
  await testAgent(t, { port: agent.port });
  await until('up again', () => up() === 1);
  t.pass('up, down, up');
});

await t.test('who was held up calls nobody down for it', async (t) => {
  const { port } = await testAgent(t);
  const target = testTarget('not down', port);
  const { dialler, setTargets } = testDialler(t, bus);
  setTargets(target);
  const reports = () => tap.reportsOf(target);
  await until('up', () => reports().at(-1)?.values[0] === 1);
  const before = reports().at(-1)!.seq;
  // As SIGSTOP does it: nothing runs in this thread for many intervals.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
  await until('reports after that', () => reports().at(-1)!.seq >= before + 5);
  t.equal(dialler.counters.stalls, 1);
  t.ok(
    reports().every(({ values, seq }) => seq < before || values[0] === 1),
    'up all the time',
  );
});

await t.test('a clock that is set while the agent streams is noticed', async (t) => {
  const clock = { aheadMs: 0 };
  const { port } = await testAgent(t, clock);
  const target = testTarget('steps', port);
  const { setTargets } = testDialler(t, bus);
  setTargets(target);
  const skewSeconds = () => tap.reportsOf(target).at(-1)?.values[2];
  await until('it is known', () => Math.abs(skewSeconds() ?? Infinity) < 1);
  clock.aheadMs = 60_000;
  await until('it is ahead', () => Math.abs((skewSeconds() ?? 0) - 60) < 1);
  clock.aheadMs = -60_000;
  await until('it is behind', () => Math.abs((skewSeconds() ?? 0) + 60) < 1);
  t.equal(tap.framesOf(target).filter(({ isBacklog }) => isBacklog).length, 0);
});

await t.test('removing a target hangs up; only the others go on', async (t) => {
  const [one, two] = await Promise.all([testAgent(t), testAgent(t)]);
  const targets = [testTarget('stays', one.port), testTarget('goes', two.port)] as const;
  const { dialler, setTargets, ended } = testDialler(t, bus);
  setTargets(...targets);
  await until('both stream', () => dialler.linkStates().get('streaming') === 2);
  setTargets(targets[0]);
  await until('the agent sees it', () => two.agent.sessionCount === 0);
  t.equal(dialler.upCount().all, 1);
  t.equal(ended('collector_stops'), 1);
  const goesOn = () => {
    const frames = tap.framesOf(targets[0]).length;
    return until('the other goes on', () => tap.framesOf(targets[0]).length >= frames + 3);
  };
  await goesOn();
  const reports = tap.reportsOf(targets[1]).length;
  await goesOn();
  t.equal(tap.reportsOf(targets[1]).length, reports, 'no more is said of it');
  t.equal(one.agent.sessionCount, 1);
  setTargets(...targets);
  await until('it comes back', () => two.agent.sessionCount === 1);
});

await t.test(
  'a new address or interval means a new connection, a new label does not',
  async (t) => {
    const [one, two] = await Promise.all([testAgent(t), testAgent(t)]);
    const target = testTarget('moves', one.port);
    const { dialler, setTargets, ended } = testDialler(t, bus);
    setTargets(target);
    await until('streams', () => dialler.linkStates().get('streaming') === 1);
    setTargets({ ...target, labels: { zone: 'b' } });
    t.equal(dialler.linkStates().get('streaming'), 1);
    t.equal(ended('target_changed'), 0);
    setTargets(testTarget('moves', two.port));
    await until('the other agent is dialled', () => two.agent.sessionCount === 1);
    await until('the first is left', () => one.agent.sessionCount === 0);
    t.equal(ended('target_changed'), 1);
    setTargets(testTarget('moves', two.port, 300));
    await until('the new interval', () => two.agent.ticker.intervalMs === 300);
    t.equal(ended('target_changed'), 2);
  },
);

await t.test('a shorter interval is reported on at once', async (t) => {
  const { port } = await testAgent(t);
  const { setTargets } = testDialler(t, bus);
  const target = testTarget('hourly', port, 3_600_000);
  setTargets(target);
  setTargets({ ...target, intervalMs: 200 });
  await until('reports', () => tap.reportsOf(target).length >= 2);
  t.pass('not after an hour');
});

await t.test('the higher epoch has the agent, the lower one learns of it', async (t) => {
  const { agent, port } = await testAgent(t);
  const target = testTarget('contested', port);
  const old = testDialler(t, bus, { epoch: 5, name: 'old' });
  old.setTargets(target);
  await until('the old one streams', () => old.dialler.upCount().up === 1);
  const next = testDialler(t, bus, { epoch: 6, name: 'next' });
  next.setTargets(target);
  await until('the old one is told', () => old.stale.length > 0);
  t.match(old.stale[0], /epoch 5 .*6 has been seen/);
  t.equal(old.ended('superseded'), 1);
  t.ok(old.ended('stale_epoch') >= 1);
  await until('the new one streams', () => next.dialler.upCount().up === 1);
  t.same(next.stale, []);
  t.equal(agent.sessionCount, 1);
  t.equal(next.ended('superseded'), 0, 'it was not disturbed');
});

await t.test('of two targets with one address the second is refused, and said so', async (t) => {
  const { agent, port } = await testAgent(t);
  const [first, second] = [testTarget('was first', port), testTarget('came second', port)];
  const lines: { level: number; instance: string; reason: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(JSON.parse(line)) });
  const { dialler, setTargets, ended } = testDialler(t, bus, { log });
  setTargets(first);
  await until('frames of the first', () => tap.framesOf(first).length > 0);
  setTargets(first, second);
  await until('the second is refused again and again', () => ended('address_taken') >= 3);
  t.equal(dialler.addressTakenCount, 1);
  t.equal(lines.length, 1, 'one warning, not one a dial');
  t.match(lines[0], {
    level: 40,
    instance: 'came second',
    reason: 'watched as was first, and not as came second: two targets have one address',
  });
  setTargets(first);
  t.equal(dialler.addressTakenCount, 0);
  const before = tap.framesOf(first).length;
  await until('the first goes on', () => tap.framesOf(first).length >= before + 3);
  t.equal(ended('superseded'), 0, 'it was never disturbed');
  t.same(tap.framesOf(second), [], 'nothing is stored under the wrong name');
  t.equal(tap.reportsOf(second).filter(({ values }) => values[0] === 1).length, 0);

  setTargets(first, second);
  await until('refused', () => dialler.addressTakenCount === 1);
  const { nextSeq } = agent.store.ring;
  setTargets(second);
  await until('the second has the agent', () => tap.framesOf(second).length > 0);
  t.ok(tap.seqsOf(second)[0]! >= nextSeq, 'from then on, and not what the first was owed');
  t.equal(dialler.addressTakenCount, 0);
});

await t.test('a target that is renamed comes up, whatever the epoch of its shard', async (t) => {
  const { port } = await testAgent(t);
  const [old, renamed] = [testTarget('old name', port), testTarget('new name', port)];
  t.not(shardOf(old.id), shardOf(renamed.id));
  const { dialler, stale, ended } = testDialler(t, bus);
  dialler.setShard(shardOf(old.id), 9, [old]);
  await until('frames under the old name', () => tap.framesOf(old).length > 0);
  dialler.setShard(shardOf(old.id), 9, []);
  dialler.setShard(shardOf(renamed.id), 2, [renamed]);
  await until('frames under the new name', () => tap.framesOf(renamed).length >= 3);
  t.same(stale, []);
  t.equal(ended('stale_epoch'), 0);
  t.same(dialler.upCount(), { up: 1, all: 1 });
});

await t.test('dials keep to the rate and to the number in flight', async (t) => {
  const dialsPerSecond = 100;
  const port = await freePort();
  const { dialler, setTargets } = testDialler(t, bus, { dialsPerSecond, backoffMsMax: 100 });
  const startMs = performance.now();
  const counts: [ms: number, dials: number][] = [];
  const watch = setInterval(() => counts.push([performance.now(), dialler.counters.dials]), 20);
  t.teardown(() => clearInterval(watch));
  setTargets(...range(1, 200).map((i) => testTarget(`storm-${i}`, port)));
  await until('each was dialled, some of them again', () => dialler.counters.dials >= 250);
  clearInterval(watch);
  const burst = dialsPerSecond / 10;
  const tooMany = counts.filter(([ms, dials]) => {
    return dials > burst + ((ms - startMs) * dialsPerSecond) / 1000 + 1;
  });
  t.same(tooMany, [], 'never more than the rate allows');
  t.ok(dialler.gate.waiting > 0, 'the rest waits');
});

await t.test('at most the cap of connections is being opened at once', async (t) => {
  const held = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => {
    held.listen(0, '127.0.0.1', 511, resolve);
  });
  t.teardown(() => held.close());
  const { port } = held.address() as { port: number };
  const { dialler, setTargets } = testDialler(t, bus, { dialsInFlightMax: 3 });
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, dialler.gate.inFlight);
  }, 1);
  t.teardown(() => clearInterval(watch));
  setTargets(...range(1, 12).map((i) => testTarget(`crowd-${i}`, port)));
  await until('all are open', () => dialler.linkStates().get('opening') === 12);
  t.ok(most <= 3, `${most} at once`);
  t.equal(dialler.gate.inFlight, 0);
});
