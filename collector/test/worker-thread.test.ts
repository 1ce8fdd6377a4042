import t from 'tap';
import { silentLog, testBusOptions, testNats } from '../../pipeline/embedded/test-servers.ts';
import { WorkerThread } from '../worker-thread.ts';
import { DIALLER_OPTIONS } from './road.ts';

const nats = await testNats(t);

await t.test('what a worker counted stays when it does not answer', async (t) => {
  const { log: _log, ...bus } = testBusOptions(nats.port);
  const setup = {
    index: 0,
    bus,
    dialler: DIALLER_OPTIONS,
    tls: undefined,
    insecure: false,
    logLevel: 'silent',
  };
  const failures: string[] = [];
  const worker = new WorkerThread(setup, silentLog, (reason) => failures.push(reason));
  await worker.ready;
  const measured = await worker.measure();
  t.ok(measured.some(({ name }) => name === 'rollcall_collector_frames_total'));
  await worker.stop(false);
  t.same(await worker.measure(), measured);
  t.same(failures, []);
});
