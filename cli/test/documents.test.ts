import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { settingsReference } from '../config/reference.ts';
import { projectRoot } from '../project-root.ts';

const root = fileURLToPath(projectRoot);

await t.test('docs/configuration.md is what "config reference" prints', (t) => {
  const head = '<!-- Written by "./rollcall config reference"; do not edit. -->\n\n';
  const written = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
  t.equal(written, `${head}${settingsReference()}`, 'write it again after changing a setting');
  t.end();
});

await t.test('links between documents lead somewhere', (t) => {
  const broken: string[] = [];
  const documents = globSync('**/*.md', { cwd: root, exclude: ['node_modules', 'data', '.cache'] });
  for (const document of documents) {
    const text = readFileSync(join(root, document), 'utf8');
    for (const [, link] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
      if (!existsSync(resolve(root, dirname(document), link!))) broken.push(`${document}: ${link}`);
    }
  }
  t.same(broken, []);
  t.end();
});
