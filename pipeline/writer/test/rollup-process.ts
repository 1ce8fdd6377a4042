import { pino } from 'pino';
import { TEST_RETENTION } from '../../embedded/test-servers.ts';
import { Store } from '../../store/store.ts';
import { Rollup } from '../rollup.ts';

/*
 * Rolls up once in a process of its own, to be killed.
 * Arguments: port of ClickHouse, database, epoch, time.
 */
const [port, database, epoch, nowMs] = process.argv.slice(2) as [string, string, string, string];
const store = new Store({
  url: `http://127.0.0.1:${port}`,
  user: 'default',
  database,
  requestTimeoutMs: 10_000,
});
const options = { epoch: Number(epoch), writer: `writer-${epoch}`, kept: TEST_RETENTION };
const rollup = new Rollup(store, pino({ level: 'silent' }), { ...options, sliceSamplesMax: 300 });
await rollup.look(Number(nowMs), new AbortController().signal);
await store.close();
