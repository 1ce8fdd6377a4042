import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import t from 'tap';
import { renewedCredentials } from '../nats-connection.ts';

const SEED = new TextDecoder().decode(nkeys.createUser().getSeed());

function credentials(jwt: string): string {
  return [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    SEED,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');
}

await t.test('credentials are read at each dial, and half a file does not count', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'user.creds');
  t.throws(() => renewedCredentials(file), { code: 'ENOENT' });
  writeFileSync(file, credentials('first'));
  const said = renewedCredentials(file);
  t.match(said('nonce'), { jwt: 'first' });
  writeFileSync(file, credentials('second'));
  t.match(said('nonce'), { jwt: 'second' });
  writeFileSync(file, credentials('third').slice(0, 60));
  t.match(said('nonce'), { jwt: 'second' });
  rmSync(file);
  t.match(said('nonce'), { jwt: 'second' });
});
