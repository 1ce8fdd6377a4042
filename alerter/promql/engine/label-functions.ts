import type { RegularExpression } from '../regular-expression.ts';
import type { Labels } from './labels.ts';
import { evaluationError } from './value.ts';
import type { VectorSample } from './value.ts';

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const REFERENCE = /\$(?:\$|(\w+)|\{(\w+)\})/g;

/** @throws RollcallError `evaluation_failed` */
export function replaceLabel(
  vector: readonly VectorSample[],
  target: string,
  replacement: string,
  source: string,
  pattern: RegularExpression,
): VectorSample[] {
  mustBeName(target);
  return unique(
    vector.map((sample) => {
      const groups = pattern.groups(sample.labels.get(source));
      if (groups === undefined) return sample;
      return { ...sample, labels: sample.labels.with(target, expanded(replacement, groups)) };
    }),
  );
}

/** @throws RollcallError `evaluation_failed` */
export function joinLabels(
  vector: readonly VectorSample[],
  target: string,
  separator: string,
  sources: readonly string[],
): VectorSample[] {
  for (const name of [target, ...sources]) mustBeName(name);
  return unique(
    vector.map((sample) => {
      const joined = sources.map((name) => sample.labels.get(name)).join(separator);
      return { ...sample, labels: sample.labels.with(target, joined) };
    }),
  );
}

/** `$1`, `${1}` and `$name` as Go expands them: the longest word counts, and what is not there is empty. */
function expanded(template: string, groups: (group: string) => string): string {
  return template.replaceAll(
    REFERENCE,
    (whole, bare: string | undefined, braced: string | undefined) => {
      return whole === '$$' ? '$' : groups(bare ?? braced ?? '');
    },
  );
}

function mustBeName(name: string): void {
  if (!LABEL_NAME.test(name)) throw evaluationError(`${JSON.stringify(name)} is not a label name`);
}

/** @throws RollcallError `evaluation_failed` if two have the same labels */
export function unique(vector: VectorSample[]): VectorSample[] {
  const keys = new Set<string>();
  for (const { labels } of vector) {
    if (keys.has(labels.key)) throw twice(labels);
    keys.add(labels.key);
  }
  return vector;
}

function twice(labels: Labels): Error {
  return evaluationError(`two series have the same labels: ${labels.key}`);
}
