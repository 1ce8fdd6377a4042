import { closeSync, openSync, readSync } from 'node:fs';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Scalar,
  type YAMLMap,
} from 'yaml';
import { type Given, partsOf } from './given.ts';
import { type NamedSetting, sectionNames, settingsOf } from './named-setting.ts';
import { bare, nearestWord } from './nearest-word.ts';
import { type Problem, problemsMax, quoted } from './problem.ts';
import type { SectionName } from './settings.ts';
import { syntaxMessage } from './yaml-syntax.ts';

export const fileBytesMax = 1 << 20;

/**
 * What a configuration file gives, by the `yaml` name of the setting. The file is checked whole,
 * whatever sections its reader needs; values are left to `valueOf`.
 */
export function readYamlFile(file: string, problems: Problem[]): Map<string, Given> {
  const text = readText(file, problems);
  return text === undefined ? new Map() : new YamlFile(file, text, problems).read();
}

const readErrors: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

function readText(file: string, problems: Problem[]): string | undefined {
  const buffer = Buffer.alloc(fileBytesMax + 1);
  let length = 0;
  try {
    const fd = openSync(file, 'r');
    try {
      for (let read = -1; read !== 0 && length < buffer.length; length += read) {
        read = readSync(fd, buffer, length, buffer.length - length, null);
      }
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    problems.push({ where: file, message: `cannot be read: ${readErrors[code] ?? code}` });
    return undefined;
  }
  if (length > fileBytesMax) {
    problems.push({ where: file, message: 'is larger than 1MiB, too large for a configuration' });
    return undefined;
  }
  return buffer.toString('utf8', 0, length);
}

class YamlFile {
  readonly #file: string;
  readonly #text: string;
  readonly #problems: Problem[];
  readonly #lines = new LineCounter();
  readonly #given = new Map<string, Given>();

  constructor(file: string, text: string, problems: Problem[]) {
    this.#file = file;
    this.#text = text;
    this.#problems = problems;
  }

  read(): Map<string, Given> {
    // In the failsafe schema each scalar is its own text, as it is in flags and variables.
    // Doubled keys are found below: the parser compares each key with all before it.
    const document = parseDocument(this.#text, {
      schema: 'failsafe',
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: this.#lines,
    });
    if (this.#isSound(document)) this.#readTop(document.contents);
    return this.#given;
  }

  #isSound(document: Document): boolean {
    const errors = [...document.errors, ...document.warnings];
    // One construct that is nested too deeply is followed by errors at each of its levels.
    const exhausted = errors.filter(({ code }) => code === 'RESOURCE_EXHAUSTION');
    for (const error of (exhausted.length > 0 ? exhausted : errors).slice(0, problemsMax)) {
      this.#report(error.pos[0], syntaxMessage(error.code));
    }
    return errors.length === 0;
  }

  #readTop(contents: unknown): void {
    if (contents === null || isUnset(contents)) return;
    if (!isMap(contents)) {
      this.#report(0, 'expected sections such as `nats:`, found ' + kindOf(contents));
      return;
    }
    const known = new Map<string, SectionName | NamedSetting>();
    for (const named of settingsOf('general')) known.set(named.yamlKey, named);
    for (const name of sectionNames) if (name !== 'general') known.set(name, name);
    this.#readMap(contents, '', known);
  }

  #readMap(map: YAMLMap, prefix: string, known: Map<string, SectionName | NamedSetting>): void {
    const seen = new Set<string>();
    for (const { key, value } of map.items) {
      if (this.#problems.length >= problemsMax) return;
      const at = offsetOf(key);
      const name = isScalar(key) ? textOf(key) : undefined;
      const meant = name === undefined ? undefined : known.get(name);
      if (name === undefined) {
        this.#report(at, `expected a key, found ${kindOf(key)}`);
      } else if (meant === undefined) {
        const remedy = unknownKeyRemedy(name, prefix, [...known.keys()]);
        this.#report(at, `unknown key ${quoted(prefix + name)}; ${remedy}`);
      } else if (seen.has(name)) {
        this.#report(at, `\`${prefix}${name}\` is here a second time; remove one of them`);
      } else {
        seen.add(name);
        if (typeof meant === 'string') this.#readSection(meant, value);
        else this.#readSetting(meant, value);
      }
    }
  }

  #readSection(section: SectionName, value: unknown): void {
    if (value === null || isUnset(value)) return;
    if (isMap(value)) {
      const known = new Map(settingsOf(section).map((named) => [named.yamlKey, named] as const));
      this.#readMap(value, `${section}.`, known);
    } else {
      const message = `${section}: expected settings such as \`key: value\`, found ${kindOf(value)}`;
      this.#report(offsetOf(value), message);
    }
  }

  #readSetting(named: NamedSetting, value: unknown): void {
    const entries = isSeq(value) ? value.items : [value];
    const anchored = entries.find((entry) => isScalar(entry) && entry.anchor !== undefined);
    // Nobody may refer to an anchor; a password that begins with `&` would be lost in silence.
    if (anchored !== undefined) this.#report(offsetOf(anchored), syntaxMessage('BAD_ALIAS'));
    if (anchored !== undefined || value === null || isUnset(value)) return;
    const { list, type } = named.setting;
    const where = this.#where(offsetOf(value));
    const label = `${named.yaml}: `;
    if (isScalar(value)) {
      const text = textOf(value);
      const texts = list ? partsOf(text) : [text];
      this.#given.set(named.yaml, { where, label, items: texts.map((text) => ({ text, where })) });
    } else if (list && isSeq(value)) {
      const strange = value.items.filter((item) => !isScalar(item));
      for (const item of strange.slice(0, problemsMax)) {
        const message = `${label}expected ${type.expects}, found ${kindOf(item)}`;
        this.#report(offsetOf(item), message);
      }
      if (strange.length > 0) return;
      const items = value.items.filter(isScalar).map((item) => {
        return { text: textOf(item), where: this.#where(offsetOf(item)) };
      });
      this.#given.set(named.yaml, { where, label, items });
    } else {
      const message = `${label}expected ${type.expects}, found ${kindOf(value)}`;
      this.#problems.push({ where, message });
    }
  }

  #report(offset: number, message: string): void {
    this.#problems.push({ where: this.#where(offset), message });
  }

  #where(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.#file}:${line}:${col}`;
  }
}

function offsetOf(node: unknown): number {
  const range = (node as { range?: readonly number[] | null } | null)?.range;
  return range?.[0] ?? 0;
}

function textOf(scalar: Scalar): string {
  return typeof scalar.value === 'string' ? scalar.value : '';
}

/** Whether nothing stands after a key, or a null. */
function isUnset(node: unknown): boolean {
  return (
    isScalar(node) &&
    node.type === 'PLAIN' &&
    ['', '~', 'null'].includes(textOf(node).toLowerCase())
  );
}

function kindOf(node: unknown): string {
  if (isAlias(node)) return 'an alias; write the value itself in its place';
  if (isMap(node)) return 'keys and values';
  return isSeq(node) ? 'a list' : 'a single value';
}

/** What to do about a key that is not known: the nearest one here, else where it belongs. */
function unknownKeyRemedy(name: string, prefix: string, known: string[]): string {
  const near = nearestWord(name, known);
  if (near !== undefined) return `did you mean \`${prefix}${near}\`?`;
  const elsewhere = sectionNames
    .flatMap(settingsOf)
    .filter(({ yamlKey }) => bare(yamlKey) === bare(name))
    .map(({ yaml }) => `\`${yaml}\``);
  if (elsewhere.length > 0) return `did you mean ${elsewhere.join(' or ')}?`;
  return `the keys here are ${known.join(', ')}`;
}
