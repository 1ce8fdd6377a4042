import t from 'tap';
import { encodeNumbered } from '../../pipeline/bus/numbered-value.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import {
  silentLog,
  testBus,
  testBusOptions,
  testNats,
} from '../../pipeline/embedded/test-servers.ts';
import { until } from '../../pipeline/embedded/test/until.ts';
import { encodeTargets } from '../../pipeline/targets/target.ts';
import { shardOf } from '../../pipeline/wire/shard.ts';
import { pack } from '../../pipeline/wire/msgpack.ts';
import { Alerter } from '../alerter.ts';
import { NO_ALERT_LIMITS } from '../evaluation/alert-quota.ts';
import { batchOf, catalogue, frameOf, target } from '../evaluation/test/hand-made.ts';
import type { Receiver } from '../notify/receiver.ts';

const nats = await testNats(t);

await t.test('targets and rules that cannot be read stop nobody', async (t) => {
  const bus = await testBus(t, nats.port, 'garbage');
  const { topology } = bus;
  const state = async (topic: string, key: string, value: Uint8Array): Promise<void> => {
    await bus.publish(topology.stateSubject(topic, key), encodeNumbered(1, value));
  };
  const host = target('web-1');
  const shard = shardOf(host.id);
  const rules = 'groups: [{name: g, rules: [{alert: High, expr: node_load1 > 5}]}]';
  await state('targets', String(shard), encodeTargets([host]));
  await state('targets', String(shard === 0 ? 1 : 0), Buffer.from('garbage'));
  await state('rules', 'aa', pack(['good.yaml', rules]));
  await state('rules', 'ab', Buffer.from('garbage'));
  await state('rules', 'ac', pack({ no: 'list' }));
  await state('rules', 'ad', pack([1, 2]));

  const told: string[] = [];
  const receiver: Receiver = {
    name: 'test',
    deliver: ({ alertname, status }) => {
      told.push(`${alertname} ${status}`);
      return Promise.resolve({ kind: 'delivered', detail: 'ok' });
    },
  };
  const { log: _log, ...busOptions } = testBusOptions(nats.port, 'garbage');
  const port = await freePort();
  const alerter = new Alerter({
    bus: busOptions,
    member: 'a',
    receivers: [receiver],
    delivery: { retryBackoffMsMin: 10, retryBackoffMsMax: 100 },
    limits: NO_ALERT_LIMITS,
    stalenessMs: 300_000,
    checkpointIntervalMs: 100,
    metricsListen: { host: '127.0.0.1', port },
    log: silentLog,
  });
  let failure: unknown;
  alerter.failed.catch((error: unknown) => (failure = error));
  await alerter.start();
  t.teardown(() => alerter.stop());
  const metrics = async (): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return response.text();
  };
  t.match(await metrics(), /^rollcall_alerter_states_refused_total 4$/m);
  // What becomes garbage later does no harm either: what was there before stays.
  await state('targets', String(shard), Buffer.from('garbage'));
  await until('it is counted', async () => /states_refused_total 5\n/.test(await metrics()));
  const load = catalogue(['node_load1']);
  const frame = frameOf(host, 1, Date.now(), load, [6]);
  await bus.publish(topology.lane(shard % 2).subject, batchOf(load, frame));
  await until('it is evaluated and paged', () => told.length > 0);
  t.same(told, ['High firing']);
  t.equal(failure, undefined);
});
