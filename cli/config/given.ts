import type { NamedSetting } from './named-setting.ts';
import { quoted, type Problem } from './problem.ts';
import { Refusal } from './value-type.ts';

/** What somebody gave as the value of a setting: text, whose meaning is not yet looked at. */
export interface Given {
  /** The flag, the variable, or `file:line:column`. */
  readonly where: string;
  /** Precedes a message where `where` does not name the setting. */
  readonly label: string;
  /** One text, or those of a list. */
  readonly items: readonly { readonly text: string; readonly where: string }[];
}

const listLengthMax = 64;

/**
 * What a flag gave. `value` is what commander collected: a text, a list of texts if the flag was
 * repeated, or a boolean; programs may pass numbers too.
 */
export function fromFlag(named: NamedSetting, value: unknown): Given | undefined {
  if (value === undefined) return undefined;
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  return fromTexts(named, named.flag, texts);
}

/** What a variable gave. An empty one counts as unset. */
export function fromEnv(
  named: NamedSetting,
  env: Readonly<Record<string, string | undefined>>,
): Given | undefined {
  const value = env[named.env];
  return value === undefined || value === '' ? undefined : fromTexts(named, named.env, [value]);
}

function fromTexts(named: NamedSetting, where: string, texts: string[]): Given {
  const items = named.setting.list ? texts.flatMap(partsOf) : texts.slice(-1);
  return { where, label: '', items: items.map((text) => ({ text, where })) };
}

/** The parts of a list that is written in one text. */
export function partsOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

/** The value that was given, or the problems with it. */
export function valueOf(
  { setting }: NamedSetting,
  given: Pick<Given, 'where' | 'label' | 'items'>,
  problems: Problem[],
): unknown {
  if (given.items.length > listLengthMax) {
    const message = `${given.label}a list has at most ${listLengthMax} entries`;
    problems.push({ where: given.where, message });
    return undefined;
  }
  const values = given.items.map(({ text, where }) => {
    const value = setting.type.parse(text);
    if (!(value instanceof Refusal)) return value;
    const found = setting.secret ? 'something else' : text === '' ? 'nothing' : quoted(text);
    const remedy = setting.secret || value.remedy === undefined ? '' : `; ${value.remedy}`;
    const message = `${given.label}expected ${setting.type.expects}, found ${found}${remedy}`;
    problems.push({ where, message });
    return undefined;
  });
  return setting.list ? values : values[0];
}
