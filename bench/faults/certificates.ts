import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';

const run = promisify(execFile);
const CURVE = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';

/**
 * An authority and one certificate for both sides of every connection, made by openssl.
 *
 * @throws RollcallError `openssl_failed`
 */
export async function testCertificates(
  folder: string,
  hosts: readonly string[],
): Promise<TlsPaths> {
  const path = (name: string): string => join(folder, name);
  const paths = { cert: path('cert.pem'), key: path('key.pem'), ca: path('ca.pem') };
  const [names, request, caKey] = [path('names.cnf'), path('request.pem'), path('ca.key')];
  writeFileSync(names, `subjectAltName = ${hosts.map((host) => `IP:${host}`).join(',')}\n`);
  // An argument a word: none of them has a blank inside.
  await openssl(`req -x509 ${CURVE} -keyout ${caKey} -out ${paths.ca} -subj /CN=authority -days 2`);
  await openssl(`req ${CURVE} -keyout ${paths.key} -out ${request} -subj /CN=faults`);
  await openssl(
    `x509 -req -in ${request} -CA ${paths.ca} -CAkey ${caKey} -CAcreateserial -days 2 ` +
      `-extfile ${names} -out ${paths.cert}`,
  );
  return paths;
}

async function openssl(words: string): Promise<void> {
  try {
    await run('openssl', words.split(' '));
  } catch (cause) {
    throw new RollcallError('openssl_failed', `openssl: ${reasonOf(cause).trim()}`, { cause });
  }
}
