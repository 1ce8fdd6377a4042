import type { SyntaxNode } from '@lezer/common';
import { LABELS_PER_SERIES_MAX, METRIC_NAME_BYTES_MAX } from '../../pipeline/wire/catalogue.ts';
import { Matcher } from './matcher.ts';
import type { MatchOperator } from './matcher.ts';
import { shifted } from './fault.ts';
import type { Fault } from './fault.ts';
import { parseStringLiteral } from './string-literal.ts';
import type { StringLiteral } from './string-literal.ts';
import type { VectorSelector } from './expression.ts';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Reads selectors out of the grammar's tree. */
export class SelectorReader {
  readonly #text: string;
  readonly #faults: Fault[];

  /** @param faults to which its own are added */
  constructor(text: string, faults: Fault[]) {
    this.#text = text;
    this.#faults = faults;
  }

  selector(node: SyntaxNode): VectorSelector | undefined {
    const before = this.#faults.length;
    const named = node.getChild('Identifier');
    let metric = named === null ? undefined : this.#source(named);
    const matchers: Matcher[] = [];
    const list = node.getChild('LabelMatchers');
    for (let child = list?.firstChild; child; child = child.nextSibling) {
      const matcher = this.#matcher(child);
      if (matcher === undefined) continue;
      const isName =
        matcher.name === '__name__' && matcher.operator === '=' && matcher.value !== '';
      if (isName && metric !== undefined) {
        this.#fault(child.from, `the metric is named twice: ${metric} and ${matcher.value}`);
      } else if (isName) {
        metric = matcher.value;
      } else if (matcher.name === '__name__' && named !== null) {
        this.#fault(child.from, `the metric is named already: ${this.#source(named)}`);
      } else {
        matchers.push(matcher);
      }
    }
    const refusal = refusalOf(metric, matchers);
    if (this.#faults.length === before && refusal !== undefined) this.#fault(node.from, refusal);
    if (this.#faults.length > before) return undefined;
    return { kind: 'selector', metric, matchers, offsetMs: 0, from: node.from, to: node.to };
  }

  /** Undefined for the punctuation between matchers, too. */
  #matcher(node: SyntaxNode): Matcher | undefined {
    if (node.name === 'QuotedLabelName') {
      const metric = this.#string(node);
      return metric && this.#create(node, '__name__', '=', metric);
    }
    const quoted = node.getChild('QuotedLabelName');
    const value = node.getChild('StringLiteral');
    const operator = node.getChild('MatchOp');
    const label = node.getChild('LabelName');
    if (value === null || operator === null) return undefined;
    const name = quoted === null ? label && this.#source(label) : this.#string(quoted)?.value;
    const literal = this.#string(value);
    if (typeof name !== 'string' || literal === undefined) return undefined;
    if (!LABEL_NAME.test(name)) {
      const remedy = 'names are letters, digits and _';
      return this.#fault(node.from, `${JSON.stringify(name)} is not a label name`, remedy);
    }
    return this.#create(value, name, this.#source(operator) as MatchOperator, literal);
  }

  /** `node` is where the literal stands. */
  #create(
    node: SyntaxNode,
    name: string,
    operator: MatchOperator,
    { value, offsets }: StringLiteral,
  ): Matcher | undefined {
    if (name === '__name__' && operator === '=' && value !== '' && !METRIC_NAME.test(value)) {
      return this.#fault(node.from, `${JSON.stringify(value)} is not a metric name`);
    }
    const matcher = Matcher.create(name, operator, value);
    if (matcher.ok) return matcher.value;
    for (const { offset, ...fault } of matcher.faults) {
      this.#faults.push({ ...fault, offset: node.from + (offsets[offset] ?? 0) });
    }
    return undefined;
  }

  #string(node: SyntaxNode): StringLiteral | undefined {
    const result = parseStringLiteral(this.#source(node));
    if (result.ok) return result.value;
    this.#faults.push(...shifted(result.faults, node.from));
    return undefined;
  }

  #source(node: SyntaxNode): string {
    return this.#text.slice(node.from, node.to);
  }

  #fault(offset: number, message: string, remedy?: string): undefined {
    this.#faults.push(remedy === undefined ? { offset, message } : { offset, message, remedy });
  }
}

/** What is wrong with a selector as a whole. */
function refusalOf(metric: string | undefined, matchers: readonly Matcher[]): string | undefined {
  if (metric !== undefined && Buffer.byteLength(metric) > METRIC_NAME_BYTES_MAX) {
    return `the metric's name has more than ${METRIC_NAME_BYTES_MAX} bytes`;
  }
  if (metric === undefined && matchers.every((matcher) => matcher.matches(''))) {
    return 'this selector means every series: it needs a name or a matcher that refuses the empty string';
  }
  if (matchers.length > LABELS_PER_SERIES_MAX) {
    return `more than ${LABELS_PER_SERIES_MAX} matchers in one selector`;
  }
  return undefined;
}
