import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { isAlive } from '../process-identity.ts';
import { until } from './child-service.ts';

await t.test('a killed supervisor leaves no child behind', async (t) => {
  const path = fileURLToPath(new URL('supervisor-host.ts', import.meta.url));
  const host = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => host.kill('SIGKILL'));
  const [output] = (await once(host.stdout, 'data')) as [Buffer];
  const children = (JSON.parse(output.toString()) as number[]).map((pid) => ({
    pid,
    startTime: '',
  }));
  t.same(children.map(isAlive), [true, true]);
  host.kill('SIGKILL');
  await once(host, 'exit');
  await until(() => !children.some(isAlive));
  t.pass('both have ended');
});
