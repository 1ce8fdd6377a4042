import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { findProgram } from '../debian-program.ts';
import { natsServerProgram } from '../nats-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

function program(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '#!/bin/sh\n');
  chmodSync(file, 0o755);
  return file;
}

await t.test('a program that was named is used', async (t) => {
  const given = program('given', 'my-nats');
  t.equal(await findProgram(natsServerProgram, folder, given), given);
});

await t.test('a wrong name is an error that says what to do', async (t) => {
  const wrong = join(folder, 'nothing-here');
  await t.rejects(findProgram(natsServerProgram, folder, wrong), {
    code: 'program_missing',
    message: /nothing-here.*apt-get install nats-server/,
  });
  const text = join(folder, 'text');
  writeFileSync(text, 'not a program');
  await t.rejects(findProgram(natsServerProgram, folder, text), { code: 'program_missing' });
});

await t.test('without a name the one on PATH is found', async (t) => {
  const onPath = program('bin', 'nats-server');
  t.intercept(process, 'env', {
    value: { ...process.env, PATH: `/nowhere:${join(folder, 'bin')}` },
  });
  t.equal(await findProgram(natsServerProgram, folder), onPath);
});

await t.test('one that was fetched before is found in the cache', async (t) => {
  const cache = join(folder, 'cache');
  const cached = program('cache', 'nats-server', 'usr', 'sbin', 'nats-server');
  t.intercept(process, 'env', { value: { ...process.env, PATH: '/nowhere' } });
  const found = await findProgram(natsServerProgram, cache);
  t.ok([cached, '/usr/sbin/nats-server', '/usr/local/bin/nats-server'].includes(found), found);
});

await t.test('when none can be fetched the error says what to install', async (t) => {
  t.intercept(process, 'env', { value: { ...process.env, PATH: '/nowhere' } });
  const empty = join(folder, 'empty');
  const found = await findProgram(natsServerProgram, empty).catch((error: unknown) => error);
  // A machine with a nats-server in a system folder finds that.
  if (typeof found === 'string') t.match(found, /^\/usr\/.*nats-server$/);
  else t.match(found, { code: 'program_missing', message: /apt-get install nats-server/ });
});
