import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { nodeFlags } from '../node-flags.ts';

const START = fileURLToPath(new URL('../../rollcall', import.meta.url));

/** What the script that people start would give Node. */
function flagsOfScript(component: string): string[] {
  const script = readFileSync(START, 'utf8');
  const choice = script.slice(script.indexOf('counted='), script.indexOf('# shellcheck'));
  const said = execFileSync('sh', ['-c', `${choice}\necho "$flags"`, 'sh', component]);
  return said.toString().trim().split(' ').filter(Boolean);
}

await t.test('a component has the same flags however it is started', async (t) => {
  for (const component of ['writer', 'alerter', 'collector', 'agent', 'up', '']) {
    t.same(flagsOfScript(component), nodeFlags(component), component);
  }
});
