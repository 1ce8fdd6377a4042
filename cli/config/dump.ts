import { type ConfigRequest, resolveSettings } from './load.ts';
import type { Resolved } from './rule.ts';
import type { SectionName } from './settings.ts';

/**
 * The configuration in force as a YAML file that gives the same one, each line with where its
 * value came from. Secrets and what is not set are comments, without the secret.
 *
 * @throws {ConfigError} `config_invalid`, with all problems
 */
export function dumpConfig(request: ConfigRequest): string {
  const lines: string[] = [];
  let section: SectionName = 'general';
  for (const resolved of resolveSettings(request)) {
    if (resolved.named.section !== section) {
      section = resolved.named.section;
      lines.push(`${section}:`);
    }
    lines.push((section === 'general' ? '' : '  ') + line(resolved));
  }
  return lines.map((text) => `${text}\n`).join('');
}

function line({ named: { yamlKey, setting }, value, text, given }: Resolved): string {
  const where = given?.where ?? 'default';
  if (value === undefined || text === undefined) return `# ${yamlKey}: not set (${setting.unset})`;
  if (setting.secret && given !== undefined) return `# ${yamlKey}: a secret, from ${where}`;
  const texts = given?.items.map(({ text }) => text) ?? [text];
  const written = setting.list && given ? `[${texts.map(scalar).join(', ')}]` : scalar(text);
  return `${yamlKey}: ${written} # ${where}`;
}

/** A text as YAML, in quotes unless nothing in it can mean anything else. */
function scalar(text: string): string {
  return /^(?!null$)[\w./]([\w./:-]*[\w./-])?$/i.test(text) ? text : JSON.stringify(text);
}
