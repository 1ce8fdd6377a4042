import { Registry } from 'prom-client';
import t from 'tap';
import { silentLog, testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import { registerAlerterMetrics } from '../alerter-metrics.ts';
import { Delivery } from '../delivery.ts';
import { AlertBook } from '../evaluation/alert-book.ts';
import { LaneEvaluator } from '../evaluation/lane-evaluator.ts';
import { TerminalReceiver } from '../notify/terminal.ts';

const nats = await testNats(t);

await t.test('lanes come and go, totals only grow', async (t) => {
  const bus = await testBus(t, nats.port, 'metrics');
  const registry = new Registry();
  const evaluators = new Set<LaneEvaluator>();
  const deliveries = new Set<Delivery>();
  const metrics = registerAlerterMetrics(registry, {
    bus,
    evaluators: () => [...evaluators],
    deliveries: () => [...deliveries],
    rules: () => 3,
    refusedStates: () => 0,
  });
  const own = (index: number): LaneEvaluator => {
    const lane = bus.topology.lane(index);
    const options = { lane, checkpointIntervalMs: 1000, epoch: 1, member: 'm' };
    const parts = { bus, book: new AlertBook(1000), log: silentLog };
    const one = new LaneEvaluator(parts, options, new AbortController().signal);
    evaluators.add(one);
    return one;
  };
  const giveUp = (one: LaneEvaluator): void => {
    evaluators.delete(one);
    metrics.keep(one);
  };
  const lines = async (name: string): Promise<string[]> => {
    const text = await registry.getSingleMetricAsString(`rollcall_alerter_${name}`);
    return text.split('\n').filter((line) => !line.startsWith('#'));
  };

  const first = own(0);
  first.counters.messages = 5;
  first.counters.pending = 7;
  first.book.counters.frames = 50;
  own(1).counters.messages = 1;
  t.same(await lines('messages_total'), [
    'rollcall_alerter_messages_total{lane="2x0"} 5',
    'rollcall_alerter_messages_total{lane="2x1"} 1',
  ]);

  giveUp(first);
  t.same(await lines('messages_total'), [
    'rollcall_alerter_messages_total{lane="2x0"} 5',
    'rollcall_alerter_messages_total{lane="2x1"} 1',
  ]);
  t.same(await lines('frames_total'), ['rollcall_alerter_frames_total 50']);
  t.same(await lines('lag_messages'), ['rollcall_alerter_lag_messages{lane="2x1"} 0'], 'not ours');

  const again = own(0);
  again.counters.messages = 2;
  again.book.counters.frames = 3;
  t.ok((await lines('messages_total')).includes('rollcall_alerter_messages_total{lane="2x0"} 7'));
  t.same(await lines('frames_total'), ['rollcall_alerter_frames_total 53']);
  giveUp(again);
  t.ok((await lines('messages_total')).includes('rollcall_alerter_messages_total{lane="2x0"} 7'));

  const receiver = new TerminalReceiver(process.stdout);
  const options = { retryBackoffMsMin: 1, retryBackoffMsMax: 1, epoch: 1 };
  const parts = { bus, receiver, log: silentLog };
  const delivery = new Delivery(parts, options, new AbortController().signal);
  deliveries.add(delivery);
  delivery.counters.delivered = 4;
  delivery.counters.pending = 9;
  const lag = 'rollcall_alerter_delivery_lag_records{receiver="terminal"} 9';
  t.same(await lines('delivery_lag_records'), [lag]);
  deliveries.delete(delivery);
  metrics.keepDelivery(delivery);
  t.notOk((await lines('delivery_lag_records')).includes(lag), 'another member has the receiver');
  const delivered = 'rollcall_alerter_notifications_delivered_total{receiver="terminal"} 4';
  t.same(await lines('notifications_delivered_total'), [delivered]);
});
