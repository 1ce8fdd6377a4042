import type { ValueType } from './value-type.ts';

/** What is said about a setting besides its type. */
interface Description {
  /** One sentence, without the unit, the range and the default: they are added. */
  readonly help: string;
  /** What holds when there is neither a value nor a default; `none` unless said. */
  readonly unset?: string;
  /** Neither errors nor a dump show the value. */
  readonly secret?: boolean;
  /** A flag that is not made from the section and the key, such as `insecure`. */
  readonly flag?: string;
}

/**
 * One setting. Its default is written as a person would write it. `D` is `undefined` for a
 * setting that need not have a value.
 */
export interface Setting<T = unknown, D extends string | undefined = string | undefined> {
  readonly list: boolean;
  readonly type: ValueType<T>;
  readonly default: D;
  readonly help: string;
  readonly unset: string;
  readonly secret: boolean;
  readonly flag: string | undefined;
}

/** A setting with several values: in YAML a list, elsewhere parted by commas. */
export interface ListSetting<T = unknown> extends Setting<T, string> {
  readonly list: true;
}

export function setting<T, const D extends string | undefined = undefined>(
  type: ValueType<T>,
  spec: Description & { readonly default?: D },
): Setting<T, D> {
  return { ...described(spec), list: false, type, default: spec.default as D };
}

/** The default is a list parted by commas, or empty. */
export function listSetting<T>(
  type: ValueType<T>,
  spec: Description & { readonly default: string },
): ListSetting<T> {
  return { ...described(spec), list: true, type, default: spec.default };
}

function described(spec: Description) {
  const { help, unset = 'none', secret = false, flag } = spec;
  return { help, unset, secret, flag };
}

/** What must hold between two settings of a section. */
export interface Rule<Key extends string = string> {
  /**
   * `at_most`: the first number is not above the second. `needs`: the first is not set without
   * the second. `not_both`: one of them at most is set. `differ`: the numbers differ, unless 0.
   */
  readonly kind: 'at_most' | 'needs' | 'not_both' | 'differ';
  readonly first: Key;
  readonly second: Key;
}

export interface Section<S extends Record<string, Setting> = Record<string, Setting>> {
  readonly title: string;
  readonly help: string;
  readonly settings: S;
  readonly rules: readonly Rule[];
}

export function section<S extends Record<string, Setting>>(
  title: string,
  help: string,
  settings: S,
  rules: readonly Rule<Extract<keyof S, string>>[] = [],
): Section<S> {
  return { title, help, settings, rules };
}

/** The type of a setting's value. */
export type ValueOf<S> =
  S extends ListSetting<infer T>
    ? readonly T[]
    : S extends Setting<infer T, infer D>
      ? T | (D extends undefined ? undefined : never)
      : never;

/** The type of a section's values, by the keys of the table. */
export type ValuesOf<S extends Section> = {
  readonly [Key in keyof S['settings']]: ValueOf<S['settings'][Key]>;
};
