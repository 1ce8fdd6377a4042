import { RollcallError } from '../../pipeline/error.ts';

/** One thing that is wrong with the configuration. */
export interface Problem {
  /** `file:line:column`, a flag, or an environment variable. */
  readonly where: string;
  /** What is wrong and what to do about it; never a secret. */
  readonly message: string;
}

/** A file can be wrong in as many places as it has lines; a person reads the first few. */
export const problemsMax = 100;

/** Everything that is wrong with the configuration, so that one run is enough to mend it. */
export class ConfigError extends RollcallError {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const shown = problems.slice(0, problemsMax);
    const lines = shown.map(({ where, message }) => `${where}: ${message}`);
    if (problems.length > shown.length) lines.push('further problems are not shown');
    super('config_invalid', lines.join('\n'));
    this.problems = shown;
  }
}

const echoLengthMax = 80;

/**
 * A person's text as a message may repeat it: short, on one line, and without what stands before
 * an `@`, which in an URL is a user name and a password.
 */
export function quoted(text: string): string {
  const masked = text.replace(/^([a-z]+:\/\/)?.*@/su, '$1***@');
  const short = masked.length > echoLengthMax ? `${masked.slice(0, echoLengthMax)}…` : masked;
  return `\`${short.replace(/\p{Cc}/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)}\``;
}
