import { once } from 'node:events';
import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { encodeNumbered } from '../../pipeline/bus/numbered-value.ts';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import {
  silentLog,
  testBus,
  testBusOptions,
  testNats,
} from '../../pipeline/embedded/test-servers.ts';
import { encodeClaim } from '../../pipeline/membership/claim.ts';
import { encodeTargets } from '../../pipeline/targets/target.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import * as control from '../../pipeline/wire/control.ts';
import { shardOf } from '../../pipeline/wire/shard.ts';
import { Collector } from '../collector.ts';
import { HandMadeAgent } from './hand-made-agent.ts';
import {
  DIALLER_OPTIONS,
  LaneTap,
  range,
  testAgent,
  testTarget,
  until as untilTrue,
  RING_FRAMES_MAX,
} from './road.ts';

const nats = await testNats(t);

const { name: _name, ...DIALLER } = DIALLER_OPTIONS;

/** A collector process, as the command line makes it. */
async function testCollector(t: Test, fleet: string, tls?: TlsPaths) {
  const { log: _log, ...bus } = testBusOptions(nats.port, fleet);
  const port = await freePort();
  const collector = new Collector({
    bus,
    member: `collector-${port}`,
    dialler: { ...DIALLER, fleet },
    tls,
    insecure: false,
    workers: 2,
    metricsListen: { host: '127.0.0.1', port },
    log: silentLog,
  });
  let isStopped = false;
  const stop = async () => {
    if (isStopped) return;
    isStopped = true;
    await collector.stop();
  };
  t.teardown(stop);
  let failure: Error | undefined;
  collector.failed.catch((error: Error) => {
    failure = error;
  });
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text() };
  };
  const metric = async (series: string): Promise<number | undefined> => {
    const { text } = await ask('/metrics');
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };
  return { collector, stop, ask, metric, failure: () => failure };
}

let revision = 0;

/** Says what the targets of these shards are, as the projector would. */
async function project(bus: Bus, targets: readonly Target[], shards: readonly number[] = []) {
  const all = new Set([...shards, ...targets.map(({ id }) => shardOf(id))]);
  for (const shard of all) {
    revision += 1;
    await bus.publish(
      bus.topology.stateSubject('targets', String(shard)),
      encodeNumbered(revision, encodeTargets(targets.filter(({ id }) => shardOf(id) === shard))),
    );
  }
}

/** Polls a question that is answered later. */
async function until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

await t.test('a collector follows the projected targets and deals them onto workers', async (t) => {
  const bus = await testBus(t, nats.port, 'follows');
  const tap = new LaneTap(t, bus);
  const agents = await Promise.all(range(1, 8).map(() => testAgent(t)));
  const targets = agents.map(({ port }, i) => testTarget(`dealt-${i}`, port));
  t.equal(new Set(targets.map(({ id }) => shardOf(id) % 2)).size, 2, 'both workers get some');
  await project(bus, targets.slice(0, 6));
  const { collector, stop, ask, metric, failure } = await testCollector(t, 'follows');
  await collector.start();
  t.match(await ask('/readyz'), { status: 200 });
  t.match(await ask('/healthz'), { status: 200, text: 'alive\n' });
  await untilTrue('frames of the first six', () => {
    return targets.slice(0, 6).every((target) => tap.framesOf(target).length >= 2);
  });
  await project(bus, targets);
  await untilTrue('frames of the later two', () => {
    return targets.slice(6).every((target) => tap.framesOf(target).length >= 2);
  });
  await until('all up', async () => (await metric('rollcall_collector_targets_up')) === 8);
  t.equal(await metric('rollcall_collector_targets_assigned'), 8);
  t.equal(await metric('rollcall_collector_targets{state="streaming"}'), 8, 'added up');
  t.equal(await metric('rollcall_collector_nats_connected'), 2);
  t.equal(await metric('rollcall_collector_dials_total'), 8);
  t.equal(await metric('rollcall_collector_target_lists_refused_total'), 0);
  t.ok((await metric('rollcall_collector_frames_total'))! >= 16);
  t.ok((await metric('rollcall_collector_published_batches_total'))! > 0);

  const [gone] = targets;
  await project(bus, targets.slice(1), [shardOf(gone!.id)]);
  await untilTrue('a removed one is left', () => agents[0]!.agent.sessionCount === 0);
  await until('it is not assigned', async () => {
    return (await metric('rollcall_collector_targets_assigned')) === 7;
  });
  t.equal(await metric('rollcall_collector_connections_ended_total{reason="collector_stops"}'), 1);

  const shard = shardOf(targets[1]!.id);
  const subjects = [String(shard), 'no-shard', '999'];
  for (const key of subjects) {
    const subject = bus.topology.stateSubject('targets', key);
    await bus.publish(subject, encodeNumbered(1, Buffer.from('garbage')));
  }
  await until('garbage is counted', async () => {
    return (await metric('rollcall_collector_target_lists_refused_total')) === 3;
  });
  const before = tap.framesOf(targets[1]!).length;
  await untilTrue('the targets stay', () => tap.framesOf(targets[1]!).length >= before + 2);
  t.equal(failure(), undefined);

  await stop();
  await untilTrue('all are left', () => agents.every(({ agent }) => agent.sessionCount === 0));
  await t.rejects(ask('/healthz'), 'nothing listens any more');
  t.equal(failure(), undefined, 'stopping is no failure');
});

const ended = (reason: string) => `rollcall_collector_connections_ended_total{reason="${reason}"}`;

/** Targets whose shards both of two collectors are sure to get some of: hashing decides which. */
async function manyAgents(t: Test, count: number, prefix: string) {
  const agents = await Promise.all(range(1, count).map(() => testAgent(t)));
  const targets = agents.map(({ port }, i) => testTarget(`${prefix}-${i}`, port));
  return { agents, targets };
}

await t.test('a second collector takes its share, and no connection is missed', async (t) => {
  const bus = await testBus(t, nats.port, 'share');
  const tap = new LaneTap(t, bus);
  const { agents, targets } = await manyAgents(t, 24, 'shared');
  await project(bus, targets);
  const first = await testCollector(t, 'share');
  await first.collector.start();
  await untilTrue('frames', () => targets.every((target) => tap.framesOf(target).length > 0));
  const second = await testCollector(t, 'share');
  await second.collector.start();
  const assigned = 'rollcall_collector_targets_assigned';
  const counts = async () => [await first.metric(assigned), await second.metric(assigned)];
  await until('both have some', async () => {
    const [one = 0, two = 0] = await counts();
    return one > 0 && two > 0 && one + two === 24;
  });
  const moved = (await second.metric(assigned))!;
  await until('the agents have been taken over', async () => {
    return (await second.metric('rollcall_collector_targets_up')) === moved;
  });
  await until('and the first has let them go', async () => {
    return ((await first.metric('rollcall_collector_targets{state="lent"}')) ?? 0) === 0;
  });
  t.equal(
    await first.metric(ended('superseded')),
    moved,
    'only those that moved lost a connection',
  );
  t.equal(await first.metric(ended('collector_stops')), undefined);

  await first.stop();
  t.equal(first.failure(), undefined);
  await until('the second has all', async () => (await second.metric(assigned)) === 24);
  const goal = agents.map(({ state }) => state.ticks + 3);
  await untilTrue('frames up to now', () => {
    return targets.every((target, i) => tap.seqsOf(target).length >= goal[i]!);
  });
  for (const target of targets) {
    const seqs = tap.seqsOf(target);
    t.same(seqs, range(1, seqs.length), 'none is missing');
    const down = tap.reportsOf(target).filter(({ values }) => values[0] === 0);
    t.same(down, [], 'a target that moves is not down');
  }
  await untilTrue('the rings empty', () => {
    return agents.every(({ agent }) => agent.store.ring.frames <= RING_FRAMES_MAX);
  });
});

await t.test('an agent is told by a higher epoch whom to obey', async (t) => {
  const bus = await testBus(t, nats.port, 'epochs');
  const witness = await HandMadeAgent.start(t);
  await project(bus, [testTarget('witness', witness.port)]);
  const first = await testCollector(t, 'epochs');
  await first.collector.start();
  await untilTrue('it is dialled', () => witness.callers[0]?.hello !== undefined);
  await first.stop();
  await untilTrue('it is told', () => witness.callers[0]!.error !== undefined);
  t.equal(witness.callers[0]!.error?.code, 'shutting_down');
  const second = await testCollector(t, 'epochs');
  await second.collector.start();
  await untilTrue('it is dialled again', () => witness.callers[1]?.hello !== undefined);
  const [one, two] = witness.callers;
  t.ok(two!.hello!.epoch > one!.hello!.epoch);
});

await t.test('an agent cannot talk a collector out of its role, another holder can', async (t) => {
  const bus = await testBus(t, nats.port, 'role');
  const tap = new LaneTap(t, bus);
  const good = await testAgent(t);
  const target = testTarget('loyal', good.port);
  const liar = await HandMadeAgent.start(t, {
    onHello: (caller) => caller.send(control.encodeError('stale_epoch', 'a newer one came')),
  });
  await project(bus, [target, testTarget('liar', liar.port)]);
  const { collector, metric, failure } = await testCollector(t, 'role');
  await collector.start();
  await untilTrue('the liar was heard twice', () => liar.callers.length >= 2);
  const before = tap.framesOf(target).length;
  await untilTrue('the others go on', () => tap.framesOf(target).length >= before + 3);
  t.equal(failure(), undefined);
  const refusals = 'rollcall_collector_connections_ended_total{reason="stale_epoch"}';
  t.ok((await metric(refusals))! > 0, 'and it is counted');

  const shard = String(shardOf(target.id));
  const subject = bus.topology.stateSubject('owner', 'collector', shard);
  const claim = await bus.last(bus.topology.stateStream, subject);
  const other = { member: 'x', name: 'another host', epoch: Date.now() + 1000, isReleased: false };
  await bus.publish(subject, encodeClaim(other), { lastSeq: claim!.seq });
  await until('the shard is lost', async () => {
    return (await metric('rollcall_parts_lost_total{role="collector"}')) === 1;
  });
  t.equal(failure(), undefined, 'which is no failure');
});

await t.test(
  'a collector whose certificates are missing says so, and can be stopped',
  async (t) => {
    await testBus(t, nats.port, 'no_tls');
    const nowhere = { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem', ca: '/nowhere/ca.pem' };
    const { collector, stop, failure } = await testCollector(t, 'no_tls', nowhere);
    await t.rejects(collector.start(), /nowhere/);
    await stop();
    await until('it fails', () => failure() !== undefined);
    t.match(failure(), { code: 'collector_failed', message: /worker \d failed: .*nowhere/ });
  },
);

await t.test('a port that is taken is a clear error', async (t) => {
  const { createServer } = await import('node:http');
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const { log: _log, ...bus } = testBusOptions(nats.port, 'taken');
  const collector = new Collector({
    bus,
    member: 'taken',
    dialler: { ...DIALLER, fleet: 'taken' },
    tls: undefined,
    insecure: false,
    workers: 1,
    metricsListen: { host: '127.0.0.1', port },
    log: silentLog,
  });
  await t.rejects(collector.start(), { code: 'listen_failed', message: /EADDRINUSE/ });
  await collector.stop();
});
