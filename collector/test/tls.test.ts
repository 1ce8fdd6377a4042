import t from 'tap';
import { TlsFiles } from '../../pipeline/dial/tls-files.ts';
import { Authority, CertificateFolder } from '../../pipeline/dial/test/certificates.ts';
import type { Wanted } from '../../pipeline/dial/test/certificates.ts';
import { testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { HandMadeAgent } from './hand-made-agent.ts';
import { LaneTap, testAgent, testDialler, testTarget, until } from './road.ts';

const nats = await testNats(t);
const bus = await testBus(t, nats.port);
const tap = new LaneTap(t, bus);
const ours = await Authority.create('ours');
const theirs = await Authority.create('theirs');

async function files(authority = ours, trusted = ours, wanted: Wanted = {}) {
  const folder = await new CertificateFolder(t).write(authority, trusted, wanted);
  return { folder, tls: new TlsFiles(folder.paths) };
}

/** How often the agent's connections ended for a reason, from its own figures. */
function endedAtAgent({ agent }: Awaited<ReturnType<typeof testAgent>>, reason: string): number {
  agent.read();
  const slot = agent.table.series.findIndex(({ name, labels }) => {
    return name.endsWith('connections_ended_total') && labels[0]?.[1] === reason;
  });
  return slot < 0 ? 0 : agent.table.values[slot]!;
}

function refusedAtAgent({ agent }: Awaited<ReturnType<typeof testAgent>>): number {
  agent.read();
  const slot = agent.table.series.findIndex(({ name }) => name.endsWith('refused_total'));
  return agent.table.values[slot]!;
}

await t.test(
  'frames travel under mutual TLS, over resumed sessions and new files too',
  async (t) => {
    const agent = await testAgent(t, { tls: (await files()).tls });
    const target = testTarget('tls', agent.port);
    const { folder, tls } = await files();
    const { dialler, setTargets, ended } = testDialler(t, bus, { tls });
    setTargets(target);
    await until('frames', () => tap.framesOf(target).length >= 3);
    const again = async (what: string, sessions: number) => {
      setTargets({ ...target, intervalMs: 200 + sessions });
      await until(what, () => agent.agent.ticker.intervalMs === 200 + sessions);
      const before = tap.framesOf(target).length;
      await until('frames', () => tap.framesOf(target).length >= before + 2);
    };
    await again('a resumed session', 1);
    await folder.write(ours, ours);
    t.equal(tls.refresh(), true);
    await again('new files', 2);
    t.equal(ended('target_changed'), 2);
    t.equal(dialler.counters.ends.size, 1, 'nothing else ended');
    t.equal(refusedAtAgent(agent), 0);
    t.equal(endedAtAgent(agent, 'target_changed'), 2, 'the agent was told why');
  },
);

await t.test('a collector that is a stranger to the agent gets nothing', async (t) => {
  const agent = await testAgent(t, { tls: (await files()).tls });
  const cases: [name: string, tls: TlsFiles | undefined][] = [
    ['of another authority', (await files(theirs, ours)).tls],
    ['with an expired certificate', (await files(ours, ours, { isExpired: true })).tls],
    ['without TLS', undefined],
  ];
  for (const [name, tls] of cases) {
    const before = refusedAtAgent(agent);
    const target = testTarget(`stranger ${name}`, agent.port);
    const { dialler, setTargets } = testDialler(t, bus, tls === undefined ? {} : { tls });
    setTargets(target);
    await until('it is refused and counted', () => refusedAtAgent(agent) > before);
    await until('down', () => tap.reportsOf(target).length > 0);
    t.equal(dialler.counters.frames, 0, name);
    t.same(tap.framesOf(target), []);
    t.ok(tap.reportsOf(target).every(({ values }) => values[0] === 0));
    setTargets();
  }
  const target = testTarget('no stranger', agent.port);
  testDialler(t, bus, { tls: (await files()).tls }).setTargets(target);
  await until('a good one is served', () => tap.framesOf(target).length > 0);
});

await t.test('a server that is a stranger to the collector is told nothing', async (t) => {
  const cases: [name: string, tls: TlsFiles][] = [
    ['of another authority', (await files(theirs, ours)).tls],
    ['with another name', (await files(ours, ours, { addresses: ['127.0.0.9'] })).tls],
    ['with an expired certificate', (await files(ours, ours, { isExpired: true })).tls],
  ];
  const { setTargets, ended } = testDialler(t, bus, { tls: (await files()).tls });
  for (const [name, tls] of cases) {
    const agent = await testAgent(t, { tls });
    const before = ended('tls_failed');
    const target = testTarget(`server ${name}`, agent.port);
    setTargets(target);
    await until('it is counted', () => ended('tls_failed') > before);
    t.same(tap.framesOf(target), [], name);
    t.equal(agent.agent.sessionCount, 0);
  }
  let heard = '';
  const plain = await HandMadeAgent.start(t, {
    onConnection({ socket }) {
      socket.removeAllListeners('data');
      socket.on('data', (chunk: Buffer) => {
        heard += chunk.toString('latin1');
        socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
    },
  });
  const before = ended('tls_failed');
  setTargets(testTarget('no TLS at all', plain.port));
  await until('it is counted', () => ended('tls_failed') > before);
  t.notMatch(heard, /rollcall|fleet/);
});

await t.test('under TLS too an agent is told why its connection ends', async (t) => {
  const agent = await testAgent(t, { tls: (await files()).tls, aheadMs: 3_600_000 });
  const target = testTarget('an hour ahead', agent.port);
  const { setTargets, ended } = testDialler(t, bus, { tls: (await files()).tls });
  setTargets(target);
  const skew = () => tap.reportsOf(target).at(-1)?.values[2] ?? 0;
  await until('its skew is reported', () => skew() > 3500);
  t.ok(skew() < 3700);
  t.same(tap.framesOf(target), [], 'its frames are in quarantine');
  setTargets({ ...target, intervalMs: 300 });
  await until('the end is counted', () => ended('target_changed') > 0);
  await until('the agent knows why', () => endedAtAgent(agent, 'target_changed') > 0);
});
