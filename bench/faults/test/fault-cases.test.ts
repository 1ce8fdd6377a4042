import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { until } from '../../../pipeline/embedded/test/until.ts';
import { benchFaults, caseOf } from '../fault-bench.ts';

/*
 * The shorter cases of the fault matrix with few agents, on real servers. What a case says of deadlines is not
 * looked at here: this machine may be busy.
 */
t.setTimeout(400_000);

const MAIN = fileURLToPath(new URL('../../../cli/main.ts', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url));
const SEED = 7;

for (const id of ['F2', 'F4', 'F9', 'F21']) {
  const faultCase = caseOf(id)!;
  await t.test(`${id}: ${faultCase.title}`, async (t) => {
    const { cases } = await benchFaults({
      cases: [faultCase],
      natsProgram: process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server',
      cacheDir: CACHE,
      agents: 40,
      series: 40,
      processes: { collector: 1, writer: 1, alerter: 1 },
      intervalMs: 500,
      seed: SEED,
      isQuick: true,
      say: () => undefined,
    });
    const [report] = cases;
    const { frames, pages, findings, notes } = report!;
    t.not(report!.verdict, 'not run', notes.join('; '));
    t.ok(frames!.sent > 0 && pages!.paged > 0, 'there was something to lose');
    for (const { what, holds, detail, isDeadline } of findings) {
      if (!isDeadline) t.ok(holds, `${what} ${detail}`);
    }
  });
}

await t.test('a runner that is killed leaves no process behind', async (t) => {
  const flags = ['bench', 'faults', '--case', 'F0', '--agents', '4', '--keep', t.testdir()];
  const runner = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => runner.kill('SIGKILL'));
  let output = '';
  runner.stderr.on('data', (data: Buffer) => {
    output += data.toString();
  });
  await until('it has started everything', () => output.includes('disturbing'));
  const children = childrenOf(runner.pid!);
  t.ok(children.length >= 6, 'servers, components and the fleet are its children');
  // One that has been stopped hears no other signal.
  process.kill(children.at(-1)!, 'SIGSTOP');
  runner.kill('SIGKILL');
  await once(runner, 'exit');
  await until('all have ended', () => children.every((pid) => !existsSync(`/proc/${pid}`)));
});

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
    .filter((text) => text.trim() !== '')
    .map(Number);
}
