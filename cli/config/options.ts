import { type Command, type Help, Option } from 'commander';
import {
  configEnv,
  configFlag,
  type NamedSetting,
  sectionNames,
  settingsOf,
} from './named-setting.ts';
import { type SectionName, sections } from './settings.ts';

/**
 * Gives a command the options of some sections, grouped by section in its help, and `--config`.
 * In the command of a section's own name (`rollcall agent`) its flags may be called without the
 * section: `--listen` is `--agent-listen` there.
 *
 * The options have no defaults and no checks of their own: pass `command.opts()` to `loadConfig`.
 */
export function addOptions(command: Command, names: readonly SectionName[]): Command {
  command.configureHelp({ ...command.configureHelp(), formatItem: stacked });
  command.addOption(
    new Option(`${configFlag} <file>`, `YAML file with settings [env: ${configEnv}]`),
  );
  for (const name of sectionNames) {
    if (!names.includes(name)) continue;
    for (const named of settingsOf(name)) {
      const own = command.name() === name && !fullFlags.has(named.shortFlag);
      for (const option of optionsFor(named, own)) {
        command.addOption(option.helpGroup(`${sections[name].title}:`));
      }
    }
  }
  return command;
}

/** A short flag must not be another setting's full one (`nats.tls_ca_file`, `tls.ca_file`). */
const fullFlags = new Set(sectionNames.flatMap(settingsOf).map(({ flag }) => flag));

/**
 * The options of one setting: one, and the `--no-` form of a boolean that is true by default.
 * `own` adds the flag without the section.
 */
export function optionsFor(named: NamedSetting, own: boolean): Option[] {
  const { setting, flag, shortFlag } = named;
  const spelled = (prefix: string, value: string) =>
    [...new Set(own ? [shortFlag, flag] : [flag])]
      .map((flag) => flag.replace('--', prefix))
      .join(', ') + value;
  const placeholder = setting.type.placeholder;
  const option = new Option(
    spelled('--', placeholder === '' ? '' : ` <${placeholder}>`),
    describe(named),
  );
  if (setting.list) {
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  }
  if (setting.type.name !== 'boolean' || setting.default !== 'true') return [option];
  return [option, new Option(spelled('--no-', ''), `The opposite of ${flag}.`)];
}

function describe({ setting, env }: NamedSetting): string {
  const facts = [
    setting.list ? 'repeat or part by commas' : '',
    setting.type.unit,
    setting.type.name === 'boolean' ? '' : setting.type.range,
    `default ${setting.default === undefined || setting.default === '' ? setting.unset : setting.default}`,
    setting.secret ? 'shows in the process list: better given by variable or file' : '',
  ];
  return `${setting.help} (${facts.filter((fact) => fact !== '').join('; ')}) [env: ${env}]`;
}

/** Terms are long: their descriptions stand below instead of beside them. */
function stacked(term: string, _termWidth: number, description: string, helper: Help): string {
  const indent = ' '.repeat(6);
  const width = (helper.helpWidth ?? 80) - indent.length;
  const lines = description === '' ? [] : helper.boxWrap(description, width).split('\n');
  return [`  ${term}`, ...lines.map((line) => indent + line)].join('\n');
}
