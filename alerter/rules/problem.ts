/** Something wrong in a rule file, at the place where it can be put right. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number;
  readonly message: string;
  readonly remedy?: string;
}

/** `file:line:column: message`, and the remedy after a colon: the form that editors jump to. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, remedy } = problem;
  return `${file}:${line}:${column}: ${message}${remedy === undefined ? '' : `: ${remedy}`}`;
}

/** Orders problems as a reader meets them: by line, then by column. */
export function compareProblems(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}
