import { fromEnv, fromFlag, type Given, partsOf, valueOf } from './given.ts';
import {
  configEnv,
  configFlag,
  type NamedSetting,
  sectionNames,
  settingsOf,
} from './named-setting.ts';
import { ConfigError, type Problem } from './problem.ts';
import { brokenRule, type Resolved } from './rule.ts';
import { type Config, type SectionName, sections } from './settings.ts';
import { readYamlFile } from './yaml-file.ts';

export interface ConfigRequest<Name extends SectionName = SectionName> {
  /** The sections that the caller reads; flags and variables of others are not looked at. */
  readonly sections: readonly Name[];
  /** What commander's `command.opts()` returns. `config` names the file. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The configuration: of each setting the value of its flag, else of its variable, else of the
 * file, else its default. Durations are in milliseconds, sizes in bytes.
 *
 * Everything that is given is checked, the file as a whole, even where something of higher rank
 * overrides it. A variable whose name is not known is no problem: Kubernetes sets
 * `ROLLCALL_…_SERVICE_HOST` and the like for services of that name. `unknownVariables` tells of others.
 *
 * @throws {ConfigError} `config_invalid`, with all problems
 */
export function loadConfig<Name extends SectionName>(
  request: ConfigRequest<Name>,
): Pick<Config, Name> {
  const config: Record<string, Record<string, unknown>> = {};
  for (const { named, value } of resolveSettings(request)) {
    (config[named.section] ??= {})[named.key] = value;
  }
  return config as unknown as Pick<Config, Name>;
}

/**
 * The settings of the requested sections, in the table's order, with where they came from.
 *
 * @throws {ConfigError} `config_invalid`, with all problems
 */
export function resolveSettings(request: ConfigRequest): Resolved[] {
  const problems: Problem[] = [];
  const fromFile = readFileOf(request, problems);
  const resolved = sectionNames.flatMap((name) => {
    const wanted = request.sections.includes(name);
    const before = problems.length;
    const section = settingsOf(name).map((named) => {
      const given = [
        wanted ? fromFlag(named, request.flags[named.attribute]) : undefined,
        wanted ? fromEnv(named, request.env) : undefined,
        fromFile.get(named.yaml),
      ];
      return resolve(named, given, problems);
    });
    if (!wanted) return [];
    if (problems.length === before) problems.push(...brokenRules(name, section));
    return section;
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return resolved;
}

function readFileOf({ flags, env }: ConfigRequest, problems: Problem[]): Map<string, Given> {
  const file = flags['config'] ?? env[configEnv] ?? '';
  if (typeof file === 'string' && file !== '') return readYamlFile(file, problems);
  if (flags['config'] !== undefined) {
    problems.push({ where: configFlag, message: 'expected a path, found nothing' });
  }
  return new Map();
}

/** Takes what stands first of what was given; all of it is checked. */
function resolve(
  named: NamedSetting,
  given: readonly (Given | undefined)[],
  problems: Problem[],
): Resolved {
  const [first, ...others] = given.filter((one) => one !== undefined);
  if (first !== undefined) {
    const value = valueOf(named, first, problems);
    for (const other of others) valueOf(named, other, problems);
    return { named, value, text: first.items.map(({ text }) => text).join(','), given: first };
  }
  const text = named.setting.default;
  if (text === undefined) return { named, value: undefined, text, given: undefined };
  const where = `the default of ${named.yaml}`;
  const texts = named.setting.list ? partsOf(text) : [text];
  const items = texts.map((text) => ({ text, where }));
  return {
    named,
    value: valueOf(named, { where, label: '', items }, problems),
    text,
    given: undefined,
  };
}

function brokenRules(name: SectionName, section: readonly Resolved[]): Problem[] {
  return sections[name].rules
    .map((rule) => brokenRule(rule, section))
    .filter((problem) => problem !== undefined);
}
