import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { InstanceLock } from '../instance-lock.ts';

async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid!;
}

await t.test('a data directory is used by one at a time', (t) => {
  const dir = `${t.testdir({})}/data`;
  const lock = InstanceLock.acquire(dir);
  t.match(readFileSync(lock.path, 'utf8'), new RegExp(`^${process.pid} \\d+\n$`, 'u'));
  t.throws(() => InstanceLock.acquire(dir), {
    code: 'already_running',
    message: `process ${process.pid} already uses the data directory ${dir}: stop it, or choose another directory with --data-dir`,
  });
  lock.release();
  t.same(readdirSync(dir), []);
  const next = InstanceLock.acquire(dir);
  t.ok(existsSync(next.path));
  next.release();
  t.end();
});

await t.test('the lock of a dead process, a reused pid, or of nobody is taken over', async (t) => {
  const dead = await deadPid();
  const leftovers = [`${dead} 12345\n`, `${dead}\n`, `${process.pid} 1\n`, '', 'no lock'];
  for (const left of leftovers) {
    const dir = t.testdir({ 'up.lock': left, 'up.lock.takeover': left });
    const lock = InstanceLock.acquire(dir);
    t.match(readFileSync(lock.path, 'utf8'), `${process.pid} `, JSON.stringify(left));
    t.same(readdirSync(dir), ['up.lock']);
    lock.release();
  }
});

await t.test(
  'a crash between two steps of taking the lock leaves nothing in the way',
  async (t) => {
    const left = `${await deadPid()} 1\n`;
    const dir = t.testdir({
      'up.lock': left,
      [`up.lock.${process.pid}`]: t.fixture('link', 'up.lock'),
    });
    const lock = InstanceLock.acquire(dir);
    t.same(readdirSync(dir), ['up.lock']);
    lock.release();
  },
);

await t.test('a lock that somebody else has by now is left alone', (t) => {
  const lock = InstanceLock.acquire(t.testdir({}));
  writeFileSync(lock.path, '1 1\n');
  lock.release();
  t.equal(readFileSync(lock.path, 'utf8'), '1 1\n');
  t.end();
});

await t.test('a directory that cannot be made is an error', (t) => {
  const dir = `${t.testdir({ file: '' })}/file/data`;
  t.throws(() => InstanceLock.acquire(dir), { code: 'data_dir_failed', message: dir });
  t.end();
});

await t.test('one that is a file, or in /proc, is refused with a remedy', (t) => {
  const file = `${t.testdir({ file: '' })}/file`;
  for (const dir of [file, '/proc/rollcall/data']) {
    t.throws(() => InstanceLock.acquire(dir), {
      code: 'data_dir_failed',
      message: /cannot be used \(E.*choose one .* --data-dir$/,
    });
  }
  const deep = `${file}-beside/a/b/c`;
  InstanceLock.acquire(deep).release();
  t.ok(existsSync(deep));
  t.end();
});

await t.test('of many that want the lock of a dead process, one gets it', async (t) => {
  const dir = t.testdir({ 'up.lock': `${await deadPid()} 1\n` });
  const module = new URL('../instance-lock.ts', import.meta.url).href;
  const script = `const { InstanceLock } = await import(${JSON.stringify(module)});
    try { InstanceLock.acquire(${JSON.stringify(dir)}); console.log("got it"); }
    catch (error) { console.log(error.code); }
    process.stdin.resume().on("close", () => process.exit(0));`;
  const args = ['--input-type=module', '-e', script];
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  t.teardown(() => children.forEach((child) => child.kill('SIGKILL')));
  const answers = await Promise.all(
    children.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim()),
  );
  t.same(answers.toSorted(), [...Array.from({ length: 5 }, () => 'already_running'), 'got it']);
});
