import {
  LineCounter,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  visit,
  type Alias,
  type Document,
  type Node,
} from 'yaml';
import { reasonOf } from '../../pipeline/error.ts';
import { type Fault } from '../promql/fault.ts';
import { compareProblems, formatProblem, type Problem } from './problem.ts';
import { sourceText, type SourceText } from './yaml-scalar.ts';

/** A value of a mapping and where its key stands. */
export interface Entry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: Node | null;
}

export const PROBLEMS_MAX = 1000;
const ALIASES_MAX = 100;
/** What a file may come to once its aliases are written out. */
const EXPANDED_LENGTH_MAX = 4 * 1024 * 1024;

/**
 * Reads a YAML document as text, lists and mappings of text, and gathers what is wrong with it.
 * Every plain scalar is text, as it is for Prometheus wherever a rule file wants text: `level: 3` is
 * `"3"`. Nothing throws; a method that finds no right value reports it and gives undefined.
 */
export class YamlReader {
  readonly #file: string;
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #problems = new Map<string, Problem>();
  #document: Document | undefined;
  #length = 0;
  #isTooLong = false;

  constructor(text: string, file: string) {
    this.#file = file;
    this.#text = text;
  }

  /** The document's root; undefined for an empty document or one that is not YAML. */
  root(): Node | undefined {
    let document: Document;
    try {
      document = parseDocument(this.#text, {
        schema: 'failsafe',
        lineCounter: this.#lines,
        prettyErrors: false,
        // Its check is quadratic; entries() has one of its own.
        uniqueKeys: false,
        logLevel: 'error',
      });
    } catch (thrown) {
      this.fault(0, `this is not YAML that can be read: ${reasonOf(thrown)}`);
      return undefined;
    }
    for (const { pos, message } of [...document.errors, ...document.warnings]) {
      this.fault(pos[0], `YAML: ${message}`);
    }
    this.#document = document;
    if (this.#problems.size > 0 || this.#hasTooManyAliases(document)) return undefined;
    return isNode(document.contents) ? document.contents : undefined;
  }

  /** Everything that is wrong, from top to bottom, each once; at most `PROBLEMS_MAX` and a note. */
  problems(): Problem[] {
    const all = [...this.#problems.values()].toSorted(compareProblems);
    const [first] = all;
    if (first === undefined || all.length <= PROBLEMS_MAX) return all;
    const message = `${all.length - PROBLEMS_MAX} more problems in this file`;
    return [...all.slice(0, PROBLEMS_MAX), { ...first, message }];
  }

  fault(offset: number, message: string, remedy?: string): undefined {
    const { line, col } = this.#lines.linePos(offset);
    const place = { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), message };
    const problem: Problem = remedy === undefined ? place : { ...place, remedy };
    this.#problems.set(formatProblem(problem), problem);
  }

  /** Faults of a text that stands in a scalar. */
  faultsIn(text: SourceText, faults: readonly Fault[]): undefined {
    for (const { offset, message, remedy } of faults) this.fault(text.at(offset), message, remedy);
  }

  /** Whether nothing is said: no value, `~` or `null`. A quoted empty string says something. */
  isNull(node: Node | null | undefined): boolean {
    const target = this.#resolved(node);
    if (target === undefined) return true;
    return (
      isScalar(target) &&
      target.type === 'PLAIN' &&
      /^(?:|~|null|Null|NULL)$/.test(String(target.source))
    );
  }

  /** The entries of a mapping. Keys other than `known` are faults when it is given. */
  entries(node: Node, what: string, known?: readonly string[]): Entry[] | undefined {
    const map = this.#resolved(node);
    if (!isMap(map)) {
      return this.fault(offsetOf(node), `${what} must be a mapping`);
    }
    const entries = new Map<string, Entry>();
    for (const { key, value } of map.items) {
      const name = isNode(key)
        ? this.text(key, 'a key')
        : this.fault(offsetOf(map), 'a key is empty');
      if (name === undefined) continue;
      if (entries.has(name.value)) {
        this.fault(name.start, `${JSON.stringify(name.value)} is given twice`);
      } else if (known?.includes(name.value) === false) {
        this.fault(
          name.start,
          `unknown key ${name.value} in ${what}`,
          `known are ${known.join(', ')}`,
        );
      } else {
        const entry = { key: name.value, keyOffset: name.start };
        entries.set(name.value, { ...entry, value: isNode(value) ? value : null });
      }
    }
    return [...entries.values()];
  }

  items(node: Node, what: string): Node[] {
    const list = this.#resolved(node);
    if (isSeq(list)) return list.items.filter((item) => isNode(item));
    this.fault(offsetOf(node), `${what} must be a list`);
    return [];
  }

  /** The text of a scalar. */
  text(node: Node, what: string): SourceText | undefined {
    const scalar = this.#resolved(node);
    if (!isScalar(scalar)) return this.fault(offsetOf(node), `${what} must be text`);
    const value = typeof scalar.value === 'string' ? scalar.value : scalar.source;
    if (value === undefined || scalar.value instanceof Uint8Array) {
      return this.fault(offsetOf(scalar), `${what} must be text`);
    }
    this.#length += value.length + 1;
    if (this.#length > EXPANDED_LENGTH_MAX) {
      if (!this.#isTooLong) this.fault(offsetOf(node), 'the aliases of this file repeat too much');
      this.#isTooLong = true;
      return undefined;
    }
    return sourceText(this.#text, scalar, value);
  }

  /** Whether reading on is pointless, because aliases have multiplied the file. */
  get isTooLong(): boolean {
    return this.#isTooLong;
  }

  #resolved(node: Node | null | undefined): Node | undefined {
    if (node === null || node === undefined) return undefined;
    if (!isAlias(node)) return node;
    const document = this.#document;
    return document === undefined ? undefined : node.resolve(document);
  }

  #hasTooManyAliases(document: Document): boolean {
    const aliases: Alias[] = [];
    visit(document, {
      Alias(_key, alias) {
        aliases.push(alias);
        return aliases.length > ALIASES_MAX ? visit.BREAK : undefined;
      },
    });
    const last = aliases[ALIASES_MAX];
    if (last !== undefined) this.fault(offsetOf(last), `more than ${ALIASES_MAX} aliases`);
    return last !== undefined;
  }
}

/** Where a node begins in the file. */
export function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
