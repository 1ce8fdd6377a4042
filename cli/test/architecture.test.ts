import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { projectRoot } from '../project-root.ts';

/*
 * The arrows between folders. A folder may import itself and what is named here; nothing points back
 * up the road.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  agent: ['pipeline/wire', 'pipeline/dial', 'pipeline/error.ts'],
  collector: ['pipeline'],
  pipeline: [],
  alerter: ['pipeline'],
  bench: ['agent', 'collector', 'pipeline', 'alerter', 'cli'],
  cli: ['agent', 'collector', 'pipeline', 'alerter', 'bench'],
};

/** Packages that only some folders may use. */
const PACKAGES: readonly (readonly [pattern: RegExp, folders: readonly string[]])[] = [
  [/^@nats-io\//, ['pipeline/bus']],
  [/^@clickhouse\//, ['pipeline/store']],
  [/^ffi-rs$|^chdb$/, ['pipeline/embedded']],
  [/^@prometheus-io\/|^@lezer\//, ['alerter/promql']],
  [/^commander$/, ['cli']],
  [/^msgpackr$/, ['pipeline/wire']],
];

const root = fileURLToPath(projectRoot);

function files(): string[] {
  return Object.keys(ARROWS).flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }));
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(/(?:from|import|import\()\s*'([^']+)'/g);
  return [...found].map(([, specifier]) => specifier!);
}

function isTest(file: string): boolean {
  return /\/test\//.test(file) || file.endsWith('test-servers.ts');
}

await t.test('imports follow the road', (t) => {
  const wrong: string[] = [];
  for (const file of files()) {
    const folder = file.split('/')[0]!;
    for (const specifier of importsOf(file).filter((one) => one.startsWith('.'))) {
      const target = relative(root, resolve(root, dirname(file), specifier));
      const allowed = [folder, ...ARROWS[folder]!];
      const isAllowed = allowed.some((one) => target === one || target.startsWith(`${one}/`));
      if (!isAllowed && !isTest(file)) wrong.push(`${file} imports ${target}`);
    }
  }
  t.same(wrong, []);
  t.end();
});

await t.test('each package stays behind the folder that owns it', (t) => {
  const wrong: string[] = [];
  for (const file of files()) {
    if (isTest(file)) continue;
    for (const specifier of importsOf(file)) {
      const owner = PACKAGES.find(([pattern]) => pattern.test(specifier));
      if (owner !== undefined && !owner[1].some((folder) => file.startsWith(`${folder}/`))) {
        wrong.push(`${file} imports ${specifier}`);
      }
    }
  }
  t.same(wrong, []);
  t.end();
});

await t.test('files stay readable: none is longer than 420 lines', (t) => {
  const long = files()
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length }))
    .filter(({ file, lines }) => lines > 420 && !isTest(file));
  t.same(long, []);
  t.end();
});

await t.test('every dependency is pinned and is named in the README with its reason', (t) => {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const all = { ...manifest['dependencies'], ...manifest['devDependencies'] };
  for (const [name, version] of Object.entries(all)) {
    t.match(version, /^\d+\.\d+\.\d+$/, `${name} is pinned`);
    t.ok(readme.includes(`\`${name}\``), `${name} is in the README`);
  }
  t.end();
});
