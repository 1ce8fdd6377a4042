import t from 'tap';
import { testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { catalogueMessage, frame, HandMadeAgent, INCARNATION, welcome } from './hand-made-agent.ts';
import { hexId } from '../../pipeline/wire/shard.ts';
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

await t.test('frames that JetStream does not have stay in the ring', async (t) => {
  const { agent, port, state } = await testAgent(t);
  const target = testTarget('killed', port, 100);
  const { dialler, setTargets } = testDialler(t, bus);
  setTargets(target);
  await until('frames are acknowledged', () => agent.store.ring.firstSeq > 3);
  await nats.kill();
  await until('the loss is noticed', () => !bus.isConnected);
  const { firstSeq } = agent.store.ring;
  await until('the ring grows', () => agent.store.ring.frames >= 15);
  t.ok(agent.store.ring.firstSeq <= firstSeq + 1, 'nothing more was acknowledged');
  t.ok(dialler.bytesInFlight > 0);
  t.equal(dialler.counters.ends.size, 0, 'the connection is kept');
  await nats.startAgain();
  const reached = state.ticks + 5;
  await until('the ring empties', () => {
    return state.ticks >= reached && agent.store.ring.frames <= RING_FRAMES_MAX;
  });
  await until('all is there', () => tap.seqsOf(target).length >= reached);
  const seqs = tap.seqsOf(target);
  t.same(seqs, range(1, seqs.length), 'each frame arrived');
  const byTick = tap.framesOf(target).every(({ seq, values }) => values[0] === seq);
  t.ok(byTick, 'with its own values');
  const [cursor] = agent.store.fleets;
  t.equal(cursor!.droppedTotal, 0);
});

await t.test('what waits is bounded, and agents are kept on the line meanwhile', async (t) => {
  const agents = await Promise.all(range(1, 8).map(() => testAgent(t)));
  const targets = agents.map(({ port }, i) => testTarget(`frozen-${i}`, port, 100));
  const publishBytesInFlightMax = 4096;
  const road = testDialler(t, bus, { publishBytesInFlightMax });
  const { dialler, setTargets, ended } = road;
  setTargets(...targets);
  await until('all stream', () => dialler.upCount().up === 8);
  await until('all are acknowledged', () => {
    return agents.every(({ agent }) => agent.store.ring.firstSeq > 2);
  });
  nats.signal('SIGSTOP');
  t.teardown(() => nats.signal('SIGCONT'));
  await until('none is read', () => dialler.pausedSockets === 8);
  const { frames } = dialler.counters;
  // Without reading, an agent's silence would be taken for death after a few intervals.
  const ticks = agents.map(({ state }) => state.ticks);
  await until('twelve ticks', () => agents.every(({ state }, i) => state.ticks >= ticks[i]! + 12));
  t.equal(dialler.counters.frames, frames, 'no frame was taken');
  t.ok(dialler.counters.throttled >= 8);
  t.ok(dialler.bytesInFlight + dialler.pendingBytes < publishBytesInFlightMax + 64 * 1024);
  t.equal(ended('silent'), 0, 'nobody is taken for dead');
  t.ok(
    agents.every(({ agent }) => agent.store.ring.frames >= 12),
    'the rings grow',
  );
  nats.signal('SIGCONT');
  const goal = agents.map(({ state }) => state.ticks + 3);
  await until('all is there', () => {
    return targets.every((target, i) => tap.seqsOf(target).length >= goal[i]!);
  });
  await until('the rings empty', () =>
    agents.every(({ agent }) => agent.store.ring.frames <= RING_FRAMES_MAX),
  );
  for (const target of targets) {
    const seqs = tap.seqsOf(target);
    t.same(seqs, range(1, seqs.length), 'each frame arrived');
  }
  t.equal(dialler.counters.ends.size, 0, 'over the connections they had');
  t.ok(agents.every(({ agent }) => agent.sessionCount === 1));
  const down = targets.flatMap((target) =>
    tap.reportsOf(target).filter(({ values, seq }) => values[0] === 0 && seq > 3),
  );
  t.same(down, [], 'and were never called down');
});

await t.test('an agent that is out of credit because of us is not down', async (t) => {
  const { agent, port, state } = await testAgent(t);
  const target = testTarget('starved', port, 100);
  const { dialler, setTargets } = testDialler(t, bus, { creditBytes: 600 });
  setTargets(target);
  await until('it is up', () => dialler.upCount().up === 1 && agent.store.ring.firstSeq > 2);
  nats.signal('SIGSTOP');
  t.teardown(() => nats.signal('SIGCONT'));
  await until('its ring fills', () => agent.store.ring.frames >= 15);
  t.equal(dialler.upCount().up, 1);
  t.equal(dialler.counters.ends.size, 0);
  nats.signal('SIGCONT');
  const goal = state.ticks + 3;
  await until('all is there', () => tap.seqsOf(target).length >= goal);
  t.same(tap.seqsOf(target), range(1, tap.seqsOf(target).length));
  const down = tap.reportsOf(target).filter(({ values, seq }) => values[0] === 0 && seq > 3);
  t.same(down, [], 'and never was');
});

await t.test('frames of a lost connection are acknowledged over the next one', async (t) => {
  const agent = await HandMadeAgent.start(t, {
    onHello: (caller) => caller.send(welcome({ nextSeq: 4 })),
    onSubscribe(caller) {
      if (agent.callers.length > 1) return;
      const messages = range(1, 3).map((seq) => frame({ seq }));
      caller.send(catalogueMessage(), ...messages);
    },
  });
  const target = testTarget('acknowledged later', agent.port, 1000);
  const { dialler, setTargets } = testDialler(t, bus);
  nats.signal('SIGSTOP');
  t.teardown(() => nats.signal('SIGCONT'));
  setTargets(target);
  await until('the frames were taken', () => dialler.counters.frames === 3);
  t.same(agent.callers[0]!.acknowledged, []);
  agent.callers[0]!.socket.destroy();
  await until('dialled again', () => agent.callers[1]?.subscribe !== undefined);
  nats.signal('SIGCONT');
  await until('acknowledged', () => agent.callers[1]!.acknowledged.length === 3);
  t.same(agent.callers[1]!.acknowledged, [1, 2, 3]);
  t.equal(agent.callers[1]!.creditBytes, 0, 'without credit: nothing was spent on this one');
  t.same(tap.seqsOf(target), [1, 2, 3]);
});

await t.test('another run of the agent gets no acknowledgement for the one before', async (t) => {
  const agent = await HandMadeAgent.start(t, {
    onHello(caller) {
      const run = agent.callers.length;
      caller.send(welcome({ incarnation: hexId(INCARNATION + BigInt(run)) }));
    },
    onSubscribe(caller) {
      const run = agent.callers.length;
      const incarnation = INCARNATION + BigInt(run);
      if (run === 1) caller.send(catalogueMessage(), frame({ seq: 41, incarnation }));
      else caller.send(catalogueMessage(), frame({ seq: 1, incarnation }));
    },
  });
  const target = testTarget('two runs', agent.port, 1000);
  const { dialler, setTargets } = testDialler(t, bus);
  nats.signal('SIGSTOP');
  t.teardown(() => nats.signal('SIGCONT'));
  setTargets(target);
  await until('the first run was heard', () => dialler.counters.frames === 1);
  agent.callers[0]!.socket.destroy();
  await until('so was the second', () => dialler.counters.frames === 2);
  nats.signal('SIGCONT');
  await until('acknowledged', () => (agent.callers[1]?.acknowledged.length ?? 0) > 0);
  await until('both are stored', () => tap.framesOf(target).length === 2);
  t.same(agent.callers[1]!.acknowledged, [1]);
});

await t.test('stopping publishes what was taken', async (t) => {
  const { port } = await testAgent(t);
  const target = testTarget('flushed', port, 100);
  const { dialler, publisher, setTargets } = testDialler(t, bus, { batchDelayMsMax: 600_000 });
  setTargets(target);
  await until('frames wait in the batch', () => dialler.counters.frames >= 3);
  t.same(tap.framesOf(target), []);
  const taken = dialler.counters.frames;
  dialler.stop();
  await until('JetStream has them', () => dialler.bytesInFlight === 0);
  await until('they are there', () => tap.framesOf(target).length === taken);
  t.equal(publisher.counters.retries.size, 0);
  t.equal(dialler.pendingBytes, 0);
});
