import t from 'tap';
import { silentLog, testBusOptions, testNats } from '../../embedded/test-servers.ts';
import { Component } from '../component.ts';

const nats = await testNats(t);

await t.test('a connection that has ended for good fails the process', async (t) => {
  const component = new Component({
    name: 'tested',
    member: 'one',
    bus: testBusOptions(nats.port, 'ended'),
    metricsListen: { host: '127.0.0.1', port: 0 },
    log: silentLog,
  });
  t.teardown(async () => {
    await component.leave();
    await component.close();
  });
  const bus = await component.connect();
  await bus.connection.close();
  await t.rejects(component.failed, { code: 'tested_failed', message: /nats\.servers/ });
});

await t.test('one that is closed in order does not', async (t) => {
  const component = new Component({
    name: 'tested',
    member: 'two',
    bus: testBusOptions(nats.port, 'ordered'),
    metricsListen: { host: '127.0.0.1', port: 0 },
    log: silentLog,
  });
  const bus = await component.connect();
  await component.leave();
  await component.close();
  await bus.closed;
  const first = await Promise.race([component.failed, Promise.resolve('goes on')]);
  t.equal(first, 'goes on');
});
