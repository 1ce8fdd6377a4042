import type { Setting } from './setting.ts';
import { sections, type SectionName } from './settings.ts';

/** A setting under each of its names. */
export interface NamedSetting {
  readonly section: SectionName;
  /** The key in the table and in the configuration: `connectTimeoutMs`. */
  readonly key: string;
  readonly setting: Setting;
  /** From the top of the file: `collector.connect_timeout`; without a section for `general`. */
  readonly yaml: string;
  /** Within its section: `connect_timeout`. */
  readonly yamlKey: string;
  /** `--collector-connect-timeout`. */
  readonly flag: string;
  /** `--connect-timeout`: the flag as the section's own command may call it. */
  readonly shortFlag: string;
  /** What commander calls the flag's value: `collectorConnectTimeout`. */
  readonly attribute: string;
  /** `ROLLCALL_COLLECTOR_CONNECT_TIMEOUT`. */
  readonly env: string;
}

export const configFlag = '--config';
export const configEnv = 'ROLLCALL_CONFIG';

/** The table's order, which is also the order of helps, of references and of dumps. */
export const sectionNames = Object.keys(sections) as SectionName[];

/** The settings of a section under all their names, in the order of the table. */
export function settingsOf(section: SectionName): NamedSetting[] {
  return Object.entries<Setting>(sections[section].settings).map(([key, setting]) =>
    named(section, key, setting),
  );
}

/** Exported for tests: names a setting that need not be in the table. */
export function named(section: SectionName, key: string, setting: Setting): NamedSetting {
  const words = wordsOf(key).filter((word) => setting.type.name !== 'duration' || word !== 'ms');
  const path = section === 'general' ? words : [section, ...words];
  const flagWords = setting.flag?.split('-') ?? path;
  return {
    section,
    key,
    setting,
    yaml: section === 'general' ? words.join('_') : `${section}.${words.join('_')}`,
    yamlKey: words.join('_'),
    flag: `--${flagWords.join('-')}`,
    shortFlag: `--${setting.flag ?? words.join('-')}`,
    attribute: flagWords.map((word, i) => (i === 0 ? word : capitalised(word))).join(''),
    env: `ROLLCALL_${path.join('_').toUpperCase()}`,
  };
}

function wordsOf(camelCase: string): string[] {
  return camelCase
    .replace(/[A-Z]/g, (capital) => ` ${capital}`)
    .toLowerCase()
    .split(' ');
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
