import { faulty, parsed, type Parsed } from './problem.ts';
import type { Assertion, RegexpNode } from './regular-expression.ts';

/** Bounds the work per character of a value; `a{1000}` alone takes 1,000. */
const STEPS_MAX = 10_000;

type Step =
  | { readonly op: 'once'; readonly codePoint: number | undefined; readonly test: RegExp }
  | { readonly op: 'assertion'; readonly assertion: Assertion }
  | { readonly op: 'jump'; readonly targets: number[] }
  | { readonly op: 'accept' };

/**
 * A regular expression as steps that are followed all at once, one character at a time (Thompson's
 * construction: https://swtch.com/~rsc/regexp/regexp2.html). There is no way back to go, hence no
 * pattern that takes exponential time.
 */
export class Automaton {
  readonly #steps: readonly Step[];

  /** `steps` end with the only `accept`. */
  constructor(steps: readonly Step[]) {
    this.#steps = steps;
  }

  /** Whether the whole of `value` matches. */
  matches(value: string): boolean {
    let current = new StepSet(this.#steps.length);
    let next = new StepSet(this.#steps.length);
    let before = -1;
    let pending = value.codePointAt(0) ?? -1;
    let at = 0;
    this.#follow(0, before, pending, current);
    while (pending >= 0) {
      const codePoint = pending;
      const char = String.fromCodePoint(codePoint);
      at += char.length;
      before = codePoint;
      pending = value.codePointAt(at) ?? -1;
      next.clear();
      for (let i = 0; i < current.size; i += 1) {
        const index = current.at(i);
        const step = this.#steps[index] as Step;
        if (step.op === 'once' && takes(step, codePoint, char)) {
          this.#follow(index + 1, before, pending, next);
        }
      }
      [current, next] = [next, current];
      if (current.size === 0) return false;
    }
    return current.has(this.#steps.length - 1);
  }

  /** Adds to `set` every step that is reached from `start` without taking a character. */
  #follow(start: number, before: number, after: number, set: StepSet): void {
    const open = [start];
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      if (!set.add(index)) continue;
      const step = this.#steps[index] as Step;
      if (step.op === 'jump') open.push(...step.targets);
      else if (step.op === 'assertion' && holds(step.assertion, before, after)) {
        open.push(index + 1);
      }
    }
  }
}

/** Faults when the expression is too large, as `(.{1000}){1000}` is. */
export function compileAutomaton(node: RegexpNode): Parsed<Automaton> {
  const writer = new StepWriter();
  if (!writer.write(node)) return faulty(0, 'this regular expression repeats too much');
  return parsed(new Automaton([...writer.steps, { op: 'accept' }]));
}

/** Indexes of steps: each once, in the order of arrival, cleared in no time. */
class StepSet {
  readonly #members: Uint16Array;
  readonly #places: Uint16Array;
  size = 0;

  constructor(capacity: number) {
    this.#members = new Uint16Array(capacity);
    this.#places = new Uint16Array(capacity);
  }

  add(index: number): boolean {
    if (this.has(index)) return false;
    this.#places[index] = this.size;
    this.#members[this.size] = index;
    this.size += 1;
    return true;
  }

  has(index: number): boolean {
    const place = this.#places[index] as number;
    return place < this.size && this.#members[place] === index;
  }

  at(place: number): number {
    return this.#members[place] as number;
  }

  clear(): void {
    this.size = 0;
  }
}

function takes(step: Step & { op: 'once' }, codePoint: number, char: string): boolean {
  return step.codePoint === undefined ? step.test.test(char) : step.codePoint === codePoint;
}

/** `before` and `after` are code points, -1 beyond the value. */
function holds(assertion: Assertion, before: number, after: number): boolean {
  if (assertion === 'begin') return before < 0;
  if (assertion === 'end') return after < 0;
  if (assertion === 'lineBegin') return before < 0 || before === 10;
  if (assertion === 'lineEnd') return after < 0 || after === 10;
  return (isWord(before) !== isWord(after)) === (assertion === 'wordEdge');
}

function isWord(codePoint: number): boolean {
  return codePoint >= 0 && codePoint < 0x80 && /\w/.test(String.fromCharCode(codePoint));
}

/** Writes the steps of a tree. Each visit costs one of a budget, even where nothing is written. */
class StepWriter {
  readonly steps: Step[] = [];
  #visits = 0;

  /** Appends the steps of `node`; false when there are too many. */
  write(node: RegexpNode): boolean {
    this.#visits += 1;
    if (this.#visits > STEPS_MAX) return false;
    if (node.kind === 'sequence') return node.nodes.every((part) => this.write(part));
    if (node.kind === 'choice') return this.#choice(node.nodes);
    if (node.kind === 'repeat') return this.#repeat(node);
    this.steps.push(
      node.kind === 'once'
        ? { op: 'once', codePoint: node.codePoint, test: node.test }
        : { op: 'assertion', assertion: node.assertion },
    );
    return true;
  }

  /** Appends a jump whose targets are still to be filled in. */
  jump(): number[] {
    const targets: number[] = [];
    this.steps.push({ op: 'jump', targets });
    return targets;
  }

  #choice(nodes: readonly RegexpNode[]): boolean {
    const fork = this.jump();
    const ends: number[][] = [];
    for (const alternative of nodes) {
      fork.push(this.steps.length);
      if (!this.write(alternative)) return false;
      ends.push(this.jump());
    }
    for (const end of ends) end.push(this.steps.length);
    return true;
  }

  #repeat({ node, min, max }: RegexpNode & { kind: 'repeat' }): boolean {
    for (let i = 0; i < min; i += 1) if (!this.write(node)) return false;
    if (max === Infinity) {
      const start = this.steps.length;
      const fork = this.jump();
      if (!this.write(node)) return false;
      this.jump().push(start);
      fork.push(start + 1, this.steps.length);
      return true;
    }
    const forks: number[][] = [];
    for (let i = min; i < max; i += 1) {
      const fork = this.jump();
      fork.push(this.steps.length);
      forks.push(fork);
      if (!this.write(node)) return false;
    }
    for (const fork of forks) fork.push(this.steps.length);
    return true;
  }
}
