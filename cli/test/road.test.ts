import { once } from 'node:events';
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { processesWith, until, UpPorts, UpProcess } from './up-process.ts';
import { WebhookCatcher } from './webhook-catcher.ts';

const EVER = "(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00')";

/*
 * The whole road as a person meets it: `rollcall up`, real servers, this host's real kernel.
 */
t.setTimeout(300_000);

/** Raises node_sockstat_TCP_inuse by opening connections: a condition that begins and ends at will. */
class SocketPile {
  readonly #server: Server = createServer();
  readonly #sockets: Socket[] = [];

  async open(count: number): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server.on('connection', (socket) => socket.on('error', () => undefined));
    for (let i = 0; i < count; i += 1) {
      const socket = connect(port, '127.0.0.1');
      this.#sockets.push(socket);
      await once(socket, 'connect');
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
    this.#server.close();
  }
}

function number(file: string, pattern: RegExp): number {
  return Number(pattern.exec(readFileSync(file, 'utf8'))?.[1]);
}

/** Figures that do not move, read apart from the agent. */
function fromKernel(): Record<string, number> {
  const { blocks, bsize } = statfsSync('/');
  return {
    node_memory_MemTotal_bytes: 1024 * number('/proc/meminfo', /MemTotal: +(\d+) kB/),
    node_boot_time_seconds: number('/proc/stat', /btime (\d+)/),
    node_filefd_maximum: number('/proc/sys/fs/file-nr', /\d+\s+\d+\s+(\d+)/),
    node_filesystem_size_bytes: blocks * bsize,
  };
}

function tcpInUse(): number {
  return Number(/TCP: inuse (\d+)/.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1]);
}

function rulesFile(folder: string, threshold: number): string {
  const path = join(folder, 'rules.yaml');
  writeFileSync(
    path,
    [
      'groups:',
      '  - name: road',
      '    rules:',
      '      - alert: MemoryExists',
      '        expr: node_memory_MemFree_bytes < 1e18',
      '        for: 3s',
      '        annotations: {summary: "{{ $labels.instance }} has memory"}',
      '      - alert: ManySockets',
      `        expr: node_sockstat_TCP_inuse > ${threshold}`,
      '        labels: {severity: page}',
      '',
    ].join('\n'),
  );
  return path;
}

async function fixture(t: Test, flags: readonly string[] = []) {
  const folder = t.testdir({});
  const dataDir = join(folder, 'data');
  const ports = await UpPorts.free();
  const webhook = await WebhookCatcher.start(t);
  const rules = rulesFile(folder, tcpInUse() + 300);
  const all = ['--interval', '1s', '--rules-file', rules, '--alerter-webhooks', webhook.url];
  const start = (): UpProcess => {
    const up = new UpProcess(dataDir, ports, [...all, ...flags]);
    t.teardown(() => up.stop('SIGKILL'));
    return up;
  };
  return { dataDir, webhook, start };
}

await t.test('real metrics arrive, alerts fire and resolve, and kills lose nothing', async (t) => {
  const { dataDir, webhook, start } = await fixture(t);
  const up = start();
  await up.ready();

  const count = `SELECT uniqExact(name, labels) AS series FROM metrics${EVER}`;
  const recent = `WHERE name LIKE 'node\\_%' AND time > now() - INTERVAL 1 MINUTE`;
  await until(async () => {
    const [row] = await up.query<{ series: string }>(`${count} ${recent}`);
    return Number(row?.series) >= 200;
  });
  const stale = await up.query(
    `SELECT name, labels, max(time) AS newest FROM metrics${EVER} ${recent}
     GROUP BY name, labels HAVING newest < now() - INTERVAL 10 SECOND`,
  );
  t.same(stale, [], 'every series has a sample at most 10 s old');
  const fixed = async (): Promise<Record<string, number>> => {
    const rows = await up.query<{ name: string; value: number }>(
      `SELECT name, argMax(value, time) AS value FROM metrics${EVER}
       WHERE name IN ('node_memory_MemTotal_bytes', 'node_boot_time_seconds', 'node_filefd_maximum')
          OR name = 'node_filesystem_size_bytes' AND labels['mountpoint'] = '/'
       GROUP BY name`,
    );
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  };
  // Filesystems are asked in the background: they are there with the second tick.
  await until(async () => Object.keys(await fixed()).length === 4);
  t.same(await fixed(), fromKernel());

  await until(() => webhook.statusesOf('MemoryExists').length > 0);
  const services = ['agent', 'collector', 'writer', 'alerter', 'nats-server', 'clickhouse'];
  for (const service of services) await up.kill(service);

  // A breach that begins while nobody evaluates must be paged by the alerter that comes after.
  const pile = new SocketPile();
  t.teardown(() => pile.close());
  process.kill(up.pidOf('alerter'), 'SIGKILL');
  await pile.open(400);
  await until(() => webhook.statusesOf('ManySockets').length > 0);
  pile.close();
  await until(() => webhook.statusesOf('ManySockets').length > 1);
  t.same(webhook.statusesOf('ManySockets'), ['firing', 'resolved']);
  t.same(webhook.statusesOf('MemoryExists'), ['firing'], 'one page, whatever was killed');

  const agents = await up.query<Record<string, string>>(
    `SELECT max(seq) - min(seq) + 1 AS ticks, uniqExact(seq) AS stored, count() AS row_count
     FROM stored_frames WHERE samples > 100 AND target_id NOT IN (SELECT id FROM targets WHERE address = '')
     GROUP BY incarnation ORDER BY min(timestamp)`,
  );
  t.equal(agents.length, 2, 'the agent ran twice');
  for (const { ticks, stored, row_count: rowCount } of agents) {
    t.equal(stored, ticks, 'no tick of a living agent is missing');
    t.equal(rowCount, stored, 'and none is there twice');
  }
  const [samples] = await up.query<Record<string, string>>(
    `SELECT count() AS row_count, uniqExact(metric_id, target_id, time) AS samples
     FROM samples_between${EVER}`,
  );
  t.equal(samples?.['row_count'], samples?.['samples'], 'no sample is there twice');
  // The road goes on: what has come between the two questions is in the second answer only.
  await until(async () => {
    const [[said], [there]] = await Promise.all([
      up.query<{ n: string }>('SELECT sum(samples) AS n FROM stored_frames'),
      up.query<{ n: string }>(`SELECT count() AS n FROM samples_between${EVER}`),
    ]);
    return said?.n === there?.n;
  });
  t.pass('and none is missing');

  await up.stop();
  t.equal(up.child.exitCode, 0);
  t.same(processesWith(dataDir), [], 'nothing is left running');
});

await t.test('a second start keeps the data, and a killed up leaves no process', async (t) => {
  const { dataDir, start } = await fixture(t);
  const first = start();
  await first.ready();
  await until(async () => (await stored(first)) > 0);
  const services = ['agent', 'collector', 'writer', 'alerter', 'nats-server', 'clickhouse'];
  const pids = services.map((service) => first.pidOf(service));
  await first.stop('SIGKILL');
  await until(() => processesWith(dataDir).length === 0 && pids.every((pid) => !isAlive(pid)));
  const second = start();
  await second.ready();
  t.ok((await stored(second)) > 0, second.output);
  const third = start();
  await until(() => third.child.exitCode !== null);
  t.equal(third.child.exitCode, 1);
  t.match(third.output, /already|uses/, 'a data directory has one up at a time');
  await second.stop();
});

async function stored(up: UpProcess): Promise<number> {
  const rows = await up.query<{ n: string }>('SELECT count() AS n FROM stored_frames');
  return Number(rows[0]?.n);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
