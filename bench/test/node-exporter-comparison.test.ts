import { mkdirSync, symlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { bondingFiles } from '../../agent/test/host/bonding.ts';
import { writeHost } from '../../agent/test/host/host-files.ts';
import { richHost } from '../../agent/test/host/rich-host.ts';
import { compareOnHost, type HostComparisonOptions } from '../agent/agent-bench.ts';
import { compare } from '../agent/comparison.ts';
import { readExposition } from '../agent/exposition-reader.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const HOST = { procfs: '/proc', sysfs: '/sys', rootfs: '/' };

async function agree(
  t: Test,
  seriesMin: number,
  options: Partial<HostComparisonOptions>,
): Promise<void> {
  const { agreed, unexplained } = await compareOnHost({
    command: [process.execPath, MAIN, 'agent'],
    nodeExporter: process.env['ROLLCALL_NODE_EXPORTER'] ?? 'prometheus-node-exporter',
    host: HOST,
    say: () => undefined,
    ...options,
  });
  t.same(unexplained, []);
  t.ok(agreed >= seriesMin, `${agreed} series agree`);
}

await t.test('on this machine both say the same, text files included', async (t) => {
  const textfileDirectory = t.testdir({
    'backup.prom':
      '# HELP backup_ended_seconds When the backup ended.\n# TYPE backup_ended_seconds gauge\n' +
      'backup_ended_seconds{job="a \\"b\\" \\\\ c"} 1.7e9\n',
    'requests.prom':
      '# TYPE took_seconds histogram\ntook_seconds_bucket{le="0.5"} 1\n' +
      'took_seconds_bucket{le="+Inf"} 3\ntook_seconds_sum 4.5\ntook_seconds_count 3\nplain 7\n',
    'broken.prom': 'no value\n',
  });
  await agree(t, 200, { textfileDirectory });
});

await t.test('on this machine both say the same of the standard profile', async (t) => {
  await agree(t, 100, { profile: 'standard' });
});

await t.test('on a server with everything both say the same', async (t) => {
  await agree(t, 2300, { host: writeHost(t.testdir(), richHost) });
});

await t.test('on a server with bonds both say the same', async (t) => {
  const host = writeHost(t.testdir(), bondingFiles);
  await agree(t, 5, { host, sources: ['bonding'] });
});

await t.test('in a container with the host mounted elsewhere both say the same', async (t) => {
  const folder = t.testdir();
  mkdirSync(`${folder}/host`);
  for (const [name, target] of Object.entries({ proc: '/proc', sys: '/sys', root: '/' })) {
    symlinkSync(target, `${folder}/host/${name}`);
  }
  await agree(t, 150, {
    host: {
      procfs: `${folder}/host/proc`,
      sysfs: `${folder}/host/sys`,
      rootfs: `${folder}/host/root`,
    },
    // What the mount points are below the root differs for the two: neither is mounted there.
    sources: ['cpu', 'meminfo', 'stat', 'netdev', 'netclass', 'vmstat', 'diskstats', 'pressure'],
  });
});

const read = (...lines: string[]) => readExposition(lines.map((line) => `${line}\n`).join(''));

await t.test('a comparison finds what is wrong', (t) => {
  const before = read('# TYPE a_total counter', 'a_total 5', 'node_x{b="1",a="2"} 1', 'gone 1');
  const after = read('# TYPE a_total counter', 'a_total 9', 'node_x{a="2",b="1"} 1', 'gone 1');
  const found = (agent: ReturnType<typeof read>) =>
    compare(before, agent, after, 'full').unexplained.map(
      ({ series, what }) => `${series}: ${what}`,
    );
  const good = ['# TYPE a_total counter', 'a_total 7', 'node_x{a="2",b="1"} 1', 'gone 1'];
  t.same(found(read(...good)), []);
  t.same(found(read(...good.slice(0, 3))), ['gone: the agent does not have it']);
  t.same(found(read(...good, 'extra 1')), ['extra: only the agent has it']);
  t.same(found(read(...good.with(1, 'a_total 4'))), ['a_total: 4 is not between 5 and 9']);
  t.same(found(read(...good.with(0, '# TYPE a_total gauge'))), [
    'a_total: type gauge instead of counter',
  ]);
  t.end();
});
