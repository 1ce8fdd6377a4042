import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { pino } from 'pino';
import t from 'tap';
import { until } from '../../pipeline/embedded/test/until.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { Agent } from '../agent.ts';
import { SeriesTable } from '../series-table.ts';
import type { Source } from '../source.ts';
import { CollectorClient } from './collector-client.ts';

function sourceOf(value: number): Source {
  return {
    name: 'test',
    read: (sink) =>
      sink.set(sink.declare({ name: 'node_load1', kind: 'gauge', unit: '', help: '' }), value),
    close: () => undefined,
  };
}

function agentOf(value: number, table?: SeriesTable): Agent {
  return new Agent({
    insecure: false,
    sources: [() => sourceOf(value)],
    ringBytesMax: 1 << 16,
    seriesMax: 10,
    table,
    connectionsMax: 4,
    version: 'test',
    log: pino({ level: 'silent' }),
  });
}

await t.test('an agent without an address does not listen', async (t) => {
  await t.rejects(agentOf(1).start(), { code: 'listen_failed' });
});

await t.test('agents of one process share a listener and a table', async (t) => {
  const table = new SeriesTable({ seriesMax: 10, wants: (_metric, from) => from === 'test' });
  const agents = [agentOf(1.5, table), agentOf(2.5, table)];
  t.teardown(() => Promise.all(agents.map((agent) => agent.stop())));
  let accepted = 0;
  const server = createServer((socket: Socket) => {
    agents[accepted]!.accept(socket);
    accepted += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const clients: CollectorClient[] = [];
  for (const agent of agents) {
    const client = await new CollectorClient(port).connected();
    t.teardown(() => client.socket.destroy());
    clients.push(client);
    await client.open();
    await until('it is subscribed', () => agent.ticker.intervalMs > 0);
  }
  for (const agent of agents) agent.tick();
  for (const client of clients) await client.until(() => client.frames.length === 1);
  t.same(
    clients.map(({ frames }) => frames[0]!.values),
    [[1.5], [2.5]],
  );
  const [one, other] = clients.map(({ catalogues }) => catalogues[0]!);
  t.same(one, other);
  t.equal(decodeCatalogueMessage(one!, 0, one!.length).series[0]!.name, 'node_load1');
  t.equal(agents[0]!.sessionCount, 1);
});

await t.test('an agent can be woken by an alarm of its clock', (t) => {
  const alarms: { ring: () => void; delayMs: number | undefined }[] = [];
  let monotonicMs = 0;
  const agent = new Agent({
    insecure: false,
    sources: [() => sourceOf(1)],
    ringBytesMax: 1 << 16,
    seriesMax: 10,
    connectionsMax: 4,
    version: 'test',
    log: pino({ level: 'silent' }),
    clock: {
      wallMs: () => 1_000_000 + monotonicMs,
      monotonicMs: () => monotonicMs,
      alarm(ring) {
        const alarm = { ring, delayMs: undefined as number | undefined };
        alarms.push(alarm);
        return {
          set: (delayMs) => {
            alarm.delayMs = delayMs;
          },
          clear: () => {
            alarm.delayMs = undefined;
          },
        };
      },
    },
  });
  agent.ticker.follow(5000, 1000);
  t.equal(alarms[0]!.delayMs, 1000);
  monotonicMs = 1004;
  alarms[0]!.ring();
  t.equal(agent.store.ring.nextSeq, 2);
  t.equal(alarms[0]!.delayMs, 4996, 'a late tick does not delay the next');
  agent.ticker.stop();
  t.equal(alarms[0]!.delayMs, undefined);
  t.end();
});
