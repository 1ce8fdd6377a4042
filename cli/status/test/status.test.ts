import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { freePort } from '../../../pipeline/embedded/free-port.ts';
import { testClickHouse, testNats, testStore } from '../../../pipeline/embedded/test-servers.ts';
import { putSelfTargets } from '../../../pipeline/targets/self-target.ts';
import { putTargets } from '../../../pipeline/targets/target-store.ts';
import { metricId } from '../../../pipeline/wire/catalogue.ts';
import { targetId } from '../../../pipeline/wire/shard.ts';
import { projectRoot } from '../../project-root.ts';
import { natsAnswers } from '../nats-probe.ts';

/*
 * `rollcall status` beside a ClickHouse in which components of other machines have reported, and without any
 * of them here.
 */
const LAUNCHER = fileURLToPath(new URL('rollcall', projectRoot));
const nats = await testNats(t);
const clickhouse = await testClickHouse(t);
const store = await testStore(t, clickhouse.port);
const nowhere = `127.0.0.1:${await freePort()}`;
const env = {
  ROLLCALL_FLEET: 'fleet',
  ROLLCALL_NATS_SERVERS: `nats://127.0.0.1:${nats.port}`,
  ROLLCALL_CLICKHOUSE_URL: `http://127.0.0.1:${clickhouse.port}`,
  ROLLCALL_COLLECTOR_METRICS_LISTEN: nowhere,
  ROLLCALL_WRITER_METRICS_LISTEN: nowhere,
  ROLLCALL_ALERTER_METRICS_LISTEN: nowhere,
};

async function status(flags: readonly string[] = [], changes: Record<string, string> = {}) {
  const child = spawn(LAUNCHER, ['status', ...flags], {
    env: { ...process.env, ...env, ...changes },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close') as Promise<[number]>;
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code, out, err };
}

const iso = (secondsAgo: number): string => new Date(Date.now() - secondsAgo * 1000).toISOString();
/** What is said then is news for as long as the test may take. */
const LATER = -600;

async function heard(role: string, name: string, offers: readonly string[]): Promise<void> {
  const row = { role, member: name, name, started_at: iso(100), seen_at: iso(LATER), offers };
  await store.insertRows('members', [{ ...row, owns: 0, is_leaving: false }]);
}

async function owned(role: string, parts: readonly string[], name: string): Promise<void> {
  const rows = parts.map((part, i) => ({ role, part, epoch: 100, revision: i + 1, member: name }));
  const rest = { name, is_released: false, since: iso(7500) };
  await store.insertRows(
    'ownership',
    rows.map((row) => ({ ...row, ...rest })),
  );
}

async function said(
  instance: string,
  name: string,
  before: number,
  now: number,
  secondsAgo = LATER,
): Promise<void> {
  const metric_id = metricId(name, []).toString();
  const target_id = targetId(instance).toString();
  await store.insertRows('series', [{ metric_id, name, label_names: [], label_values: [] }]);
  await store.insertRows('samples', [
    { metric_id, target_id, timestamp: iso(secondsAgo + 10), value: before },
    { metric_id, target_id, timestamp: iso(secondsAgo), value: now },
  ]);
}

await t.test('nothing answers, and it is said what', async (t) => {
  const changes = {
    ROLLCALL_NATS_SERVERS: `nats://${nowhere}`,
    ROLLCALL_CLICKHOUSE_URL: `http://${nowhere}`,
  };
  const { code, out, err } = await status([], changes);
  t.equal(code, 1);
  for (const name of ['nats-server', 'clickhouse', 'writer', 'alerter', 'collector']) {
    t.match(out, `${name} does not answer\n`);
  }
  t.match(err, /is it running/);
  t.notMatch(out, /ROLE|MOVED|ALERT|samples/, 'no table of which nothing is known');
});

await t.test('a ClickHouse without tables is not called silent', async (t) => {
  const { code, out } = await status([], { ROLLCALL_FLEET: 'unmigrated' });
  t.equal(code, 1);
  t.match(out, /^clickhouse: .*rollcall migrate/m);
  t.notMatch(out, /clickhouse does not answer/);
  await store.run('CREATE DATABASE half_migrated');
  await store.run('CREATE TABLE half_migrated.frames (timestamp DateTime64(3)) ENGINE = Memory');
  const half = await status([], { ROLLCALL_FLEET: 'half_migrated' });
  t.match(half.out, /^clickhouse: .*rollcall migrate/m);
  const json = await status(['--json'], { ROLLCALL_CLICKHOUSE_USER: 'nobody' });
  t.match(JSON.parse(json.out), { faults: [/^clickhouse: .*nobody/] });
});

await t.test('members of other machines are shown, and what they lack', async (t) => {
  const components = ['collector', 'writer', 'alerter'].flatMap((role) =>
    ['a', 'b'].map((name) => ({ role, name })),
  );
  await putSelfTargets(store, components);
  for (const [instance, intervalMs] of [
    ['web-7', 5000],
    ['slow-1', 60_000],
    ['quick-1', 5000],
  ] as const) {
    await putTargets(store, [{ instance, address: 'h:1', labels: {}, intervalMs }]);
  }
  await store.run('SYSTEM RELOAD DICTIONARY {database}.targets_by_id');
  for (const { role, name } of components) {
    await heard(role, name, role === 'collector' ? ['0', '1', '2', '3'] : ['2x0', '2x1']);
  }
  await owned('collector', ['0', '1', '2'], 'a');
  await owned('collector', ['3'], 'b');
  await owned('writer', ['2x0'], 'a');
  for (const name of ['a', 'b']) {
    await said(`collector/${name}`, 'rollcall_collector_targets_up', 9, 10);
    await said(
      `collector/${name}`,
      'rollcall_collector_targets_assigned',
      11,
      name === 'a' ? 12 : 11,
    );
    await said(`collector/${name}`, 'rollcall_collector_samples_total', 0, 1000);
    await said(`writer/${name}`, 'rollcall_writer_samples_total', 0, 900);
    await said(`writer/${name}`, 'rollcall_writer_lag_messages', 0, 21);
  }
  await said('web-7', 'up', 1, 0);
  // Two minutes ago: one speaks every minute, of the other that is long past.
  for (const instance of ['slow-1', 'quick-1']) await said(instance, 'up', 0, 0, 120);
  const { code, out } = await status();
  t.equal(code, 0);
  t.match(out, /^targets +20 up, 3 down: slow-1, web-7, quick-1$/m, 'nothing is said of quick-1');
  t.match(out, /^samples\/s +200 in, 180 stored with own metrics$/m);
  t.match(out, /^writer lag +42$/m);
  t.match(out, /^writer: nobody owns lane 2x1$/m);
  t.match(out, /^alerter: nobody owns 2 lanes$/m);
  t.match(out, /^collector +a +3 of 4 shards +100 +2h 05m +0s$/m);
  t.match(out, /^writer +b +0 of 2 lanes +0s$/m);
  t.match(out, /^\d\d:\d\d:\d\d +collector +3 shards +nobody → a$/m);
  const json = await status(['--json']);
  t.match(JSON.parse(json.out), {
    silent: [],
    targetsUp: 20,
    down: ['slow-1', 'web-7', 'quick-1'],
    gaps: [
      { role: 'alerter', parts: ['2x0', '2x1'] },
      { role: 'writer', parts: ['2x1'] },
    ],
    members: [{ role: 'alerter', name: 'a', state: 'alive', owned: [] }],
  });
});

await t.test('a NATS server is known by its greeting', async (t) => {
  t.ok(await natsAnswers([`nats://${nowhere}`, `127.0.0.1:${nats.port}`]));
  t.notOk(await natsAnswers([`nats://${nowhere}`, 'nats://[bad']));
  t.notOk(await natsAnswers([`nats://127.0.0.1:${clickhouse.port}`]), 'it is silent');
});
