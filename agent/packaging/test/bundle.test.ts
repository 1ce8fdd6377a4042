import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import t from 'tap';
import { isExecutable } from '../../../pipeline/embedded/child-server.ts';
import { bundle, BUNDLE_NAME } from '../bundle.ts';
import { runScript } from './run-script.ts';

/** What is newer than Node.js 20; esbuild changes syntax only. */
const TOO_NEW = [
  /\bPromise\.(withResolvers|try)\b/,
  /\b(Map|Object)\.groupBy\b/,
  /\bArray\.fromAsync\b/,
  /\bIterator\.from\b/,
  /\bRegExp\.escape\b/,
  /\bError\.isError\b/,
  /\bMath\.(f16round|sumPrecise)\b/,
  /\bUint8Array\.from(Base64|Hex)\b/,
  /\.(isSubsetOf|isSupersetOf|isDisjointFrom|symmetricDifference)\(/,
  /\bimport\.meta\.(dirname|filename|main)\b/,
  /\bglobSync\b/,
];

const folder = t.testdir({});
const made = await bundle({ folder, version: '1.2.3' });

/** Ours and, where there is one, the system's: it is another version. */
const nodes = new Set([
  process.execPath,
  ...(process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((path) => !path.includes('node_modules') && isExecutable(path)),
]);

await t.test('the agent is in it, and nothing of the centre', async (t) => {
  const names = made.parts.map(({ name }) => name);
  t.ok(names.includes('agent/sources'));
  const packages = made.parts.filter(({ packageFolder }) => packageFolder !== undefined);
  const strangers = /nats|clickhouse|chdb|undici|prom-client|lezer|re2js|msgpackr-extract/;
  t.same(
    names.filter((name) => strangers.test(name)),
    [],
  );
  t.ok(packages.some(({ name }) => name === 'msgpackr'));
  t.equal(readFileSync(made.path).length, made.bytes);
});

await t.test('it asks nothing of Node.js that version 20 does not have', async (t) => {
  const text = readFileSync(made.path, 'utf8');
  for (const pattern of TOO_NEW) t.notMatch(text, pattern);
});

await t.test('each Node.js runs it, as a script and within a package of modules', async (t) => {
  // This project's package.json says that its scripts are modules; beside it nothing does.
  const outside = mkdtempSync(join(tmpdir(), 'rollcall-bundle-'));
  t.teardown(() => rmSync(outside, { recursive: true, force: true }));
  const copy = join(outside, BUNDLE_NAME);
  copyFileSync(made.path, copy);
  for (const node of nodes) {
    for (const script of [made.path, copy]) {
      const help = await runScript(node, [script, '--help']);
      t.equal(help.status, 0, `${node} ${script}`);
      t.match(help.out, /^Usage: rollcall-agent \[options\]/);
      t.match(help.out, /--listen, --agent-listen/);
      t.equal(help.err, '');
      t.equal((await runScript(node, [script, '--version'])).out, '1.2.3\n');
      const wrong = await runScript(node, [script, '--listen', 'nowhere']);
      t.equal(wrong.status, 2);
      t.match(wrong.err, /expected host:port/);
    }
  }
});
