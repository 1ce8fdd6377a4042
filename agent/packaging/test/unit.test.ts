import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { template } from '../template.ts';

const run = promisify(execFile);
/** "OK" in systemd's words. The rest is what the agent needs. */
const EXPOSURE_MAX = 2.3;

/** What the agent would measure wrongly, or could not do, with these. */
const HARMFUL =
  /^(MemoryDenyWriteExecute|ProtectProc|ProcSubset|PrivateNetwork|PrivateTmp|PrivateUsers|ProtectHostname|ProtectClock|StateDirectory)=/m;

const unit = await template('rollcall-agent.service', { PROGRAM: process.execPath });

await t.test('what the agent needs is not taken from it', async (t) => {
  t.notMatch(unit, HARMFUL);
  t.match(unit, /^ProtectHome=read-only$/m, 'the size of /home is that of /home');
  t.match(unit, /^SystemCallFilter=adjtimex /m);
  t.match(unit, /^RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX$/m);
});

await t.test('a user without privileges runs it', async (t) => {
  t.match(unit, /^User=rollcall-agent$/m);
  t.match(unit, /^CapabilityBoundingSet=$/m);
  t.match(unit, /^NoNewPrivileges=yes$/m);
  t.match(unit, /^ProtectSystem=strict$/m);
  t.match(await template('sysusers.conf'), /^u +rollcall-agent /m);
});

await t.test('systemd finds it as closed as it can be', async (t) => {
  const file = join(t.testdir({}), 'rollcall-agent.service');
  writeFileSync(file, unit);
  const args = ['security', '--offline=true', '--no-pager', file];
  const analysed = await run('systemd-analyze', args).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  // Without systemd there is nobody to ask.
  if (analysed === undefined) return;
  const exposure = /exposure level for \S+: ([\d.]+)/.exec(analysed.stdout)?.[1];
  t.ok(Number(exposure) <= EXPOSURE_MAX, `exposure ${exposure}`);
});
