import t from 'tap';
import type { Test } from 'tap';
import { freePort } from '../../../pipeline/embedded/free-port.ts';
import { until } from '../../../pipeline/embedded/test/until.ts';
import { metricId } from '../../../pipeline/wire/catalogue.ts';
import { frameSeq, frameTimestampMs, isPresent, valuesAt } from '../../../pipeline/wire/frame.ts';
import { FrameStream } from '../../recording/frame-stream.ts';
import { weightOfMetric } from '../../recording/replay.ts';
import { makeCertificates } from '../../system/certificates.ts';
import type { RunCertificates } from '../../system/certificates.ts';
import { checksum } from '../checksum.ts';
import type { Checksum } from '../checksum.ts';
import { Fleet, hostOf, hostsOf, instanceOf, processesOf } from '../fleet.ts';
import type { FleetOptions } from '../fleet.ts';
import { NullSink } from '../null-sink.ts';

const INTERVAL_MS = 100;
const SERIES = 200;

async function fleetOf(t: Test, options: Partial<FleetOptions> = {}): Promise<Fleet> {
  const fleet = await Fleet.start({
    agents: 4,
    source: 'recorded',
    series: SERIES,
    seed: 1,
    port: await freePort(),
    ringBytesMax: 64 * 1024,
    ...options,
  });
  t.teardown(() => fleet.stop());
  return fleet;
}

async function sinkOf(
  t: Test,
  fleet: Fleet,
  tls?: RunCertificates['collector'],
): Promise<NullSink> {
  const hosts = hostsOf(fleet.options);
  const sink = await NullSink.start({ hosts, intervalMs: INTERVAL_MS, tls });
  t.teardown(() => sink.stop());
  return sink;
}

const connects = (sink: NullSink, agents: number): Promise<unknown> =>
  until(`${agents} are connected`, async () => (await sink.status()).connected === agents);

await t.test('every agent has an address, and every process a port', (t) => {
  const options = { agents: 100_000, port: 20_000, agentsPerProcess: 30_000 };
  const hosts = hostsOf(options);
  t.equal(processesOf(options), 6, 'no more than descriptors allow');
  t.equal(new Set(hosts.map(({ listen }) => listen.host)).size, 100_000);
  t.ok(hosts.every(({ listen }) => listen.host.startsWith('127.')));
  t.equal(hostOf(99_999), '127.2.134.160');
  t.equal(new Set(hosts.map(({ listen }) => listen.port)).size, 6);
  t.equal(hosts[7]!.listen.port, 20_001);
  t.end();
});

await t.test('agents of two processes are heard at every interval', async (t) => {
  const fleet = await fleetOf(t, { agents: 5, agentsPerProcess: 3 });
  const sink = await sinkOf(t, fleet);
  t.equal(fleet.pids.length, 2);
  await connects(sink, 5);
  await until('a number of frames', async () => (await sink.status()).frames > 50);
  await fleet.setQuiet(true);
  await until('all are acknowledged', async () => (await fleet.status()).unacknowledged === 0);
  const [told, heard] = [await fleet.status(), await sink.status()];
  t.equal(heard.frames, told.frames);
  t.equal(heard.missed, 0);
  t.equal(told.dropped, 0);
  t.equal(told.ticking, 5);
  t.ok(told.skipped >= 0);
  t.ok(told.bytesSent >= heard.bytes, 'greetings included');
  t.ok(told.bytesSent < heard.bytes + 5 * 1000);
  t.ok((await fleet.ledger()).frames.samples.every((samples) => samples === SERIES));
});

await t.test(
  'an agent that is stopped hangs up and answers again when it is started',
  async (t) => {
    const fleet = await fleetOf(t);
    const sink = await sinkOf(t, fleet);
    await connects(sink, 4);
    await fleet.stopAgents([2]);
    await connects(sink, 3);
    const closed = async (): Promise<number[]> => {
      const { connections } = await fleet.ledger();
      t.equal(connections.length, 4);
      return connections.filter(({ closedMs }) => closedMs !== undefined).map(({ agent }) => agent);
    };
    await until('the agent has noticed as well', async () => (await closed()).length > 0);
    t.same(await closed(), [2]);
    t.equal((await fleet.status()).connected, 3);
    await fleet.startAgents([2]);
    await connects(sink, 4);
    const later = await fleet.ledger();
    t.same(
      later.connections.map(({ agent }) => agent).toSorted((a, b) => a - b),
      [0, 1, 2, 2, 3],
      'what a stopped agent refused is no connection',
    );
    t.equal(later.runs.length, 5);
  },
);

await t.test('connections that are reset are dialled anew', async (t) => {
  const fleet = await fleetOf(t, { source: 'synthetic' });
  const sink = await sinkOf(t, fleet);
  await connects(sink, 4);
  await fleet.resetConnections();
  await until('all are new', async () => (await fleet.ledger()).connections.length === 8);
  await connects(sink, 4);
  const { connections } = await fleet.ledger();
  t.equal(connections.filter(({ closedMs }) => closedMs === undefined).length, 4);
});

await t.test('agents are heard over TLS', async (t) => {
  const { authority, collector } = await makeCertificates(t.testdir());
  // More than one certificate, and more than one process.
  const agents = 40;
  const fleet = await fleetOf(t, { tls: authority, agents, agentsPerProcess: 30 });
  const sink = await sinkOf(t, fleet, collector);
  await connects(sink, agents);
  await until('a number of frames', async () => (await sink.status()).frames > 200);
  await fleet.stopAgents([0]);
  await connects(sink, agents - 1);
  await fleet.startAgents([0]);
  await connects(sink, agents);
  t.equal((await sink.status()).missed, 0);
});

interface Heard {
  readonly nodename: string | undefined;
  readonly seq: number;
  readonly timestampMs: number;
  readonly sum: Checksum;
}

/** Sums up what comes over the wire, weighted by the ids that the catalogue gives. */
async function hear(fleet: Fleet, frames: number, agent = 1): Promise<Heard[]> {
  const heard: Heard[] = [];
  const done = Promise.withResolvers<void>();
  let weights = new Uint32Array(0);
  let nodename: string | undefined;
  const stream = new FrameStream(hostsOf(fleet.options)[agent]!.listen, INTERVAL_MS, {
    onCatalogue: ({ series }) => {
      const ids = series.map(({ name, labels }) => metricId(name, labels));
      weights = Uint32Array.from(ids, (id) => weightOfMetric(id));
      nodename = new Map(series.flatMap(({ labels }) => labels)).get('nodename');
    },
    onFrame: (source, offset) => {
      const slots = weights.length;
      const at = offset + valuesAt(slots);
      const values = Float64Array.from(weights, (_, i) => source.readDoubleLE(at + 8 * i));
      const present = Uint8Array.from(weights, (_, i) => Number(isPresent(source, offset, i)));
      const sum = { low: 0, high: 0, samples: 0 };
      checksum({ values, present, weights }, sum);
      heard.push({
        nodename,
        seq: frameSeq(source, offset),
        timestampMs: frameTimestampMs(source, offset),
        sum,
      });
      if (heard.length === frames) done.resolve();
    },
    onEnd: (error) => done.reject(error),
  });
  try {
    await done.promise;
  } finally {
    stream.close();
  }
  return heard;
}

await t.test('the ledger has the checksum of what is sent', async (t) => {
  const fleet = await fleetOf(t);
  const heard = await hear(fleet, 5);
  const { frames } = await fleet.ledger();
  for (const { seq, timestampMs, sum } of heard) {
    const row = frames.seq.indexOf(seq);
    t.equal(frames.agent[row], 1);
    t.equal(frames.timestampMs[row], timestampMs);
    t.same({ low: frames.low[row], high: frames.high[row], samples: frames.samples[row] }, sum);
  }
});

await t.test('every host may have a catalogue of its own', async (t) => {
  const fleet = await fleetOf(t, { catalogues: 'own' });
  for (const agent of [1, 3]) {
    const heard = await hear(fleet, 3, agent);
    const { frames } = await fleet.ledger();
    for (const { nodename, seq, sum } of heard) {
      t.equal(nodename, instanceOf(agent));
      const row = frames.seq.findIndex((each, i) => each === seq && frames.agent[i] === agent);
      t.same({ low: frames.low[row], high: frames.high[row], samples: frames.samples[row] }, sum);
      t.equal(sum.samples, SERIES);
    }
  }
});

await t.test('breaches are raised and ended, and noted', async (t) => {
  const fleet = await fleetOf(t);
  const sink = await sinkOf(t, fleet);
  await connects(sink, 4);
  await fleet.breach(3, 'sim_breach', true);
  await until('it is on', async () => (await fleet.ledger()).episodes.length === 1);
  await fleet.breach(3, 'sim_breach', false);
  const [episode] = await until('it is over', async () => {
    const { episodes } = await fleet.ledger();
    return episodes[0]!.toMs === undefined ? undefined : episodes;
  });
  t.match(episode, { agent: 3, breach: 'sim_breach' });
  t.ok(episode!.toMs! > episode!.fromMs);
});
