/**
 * A fault inside a piece of text (an expression, a template, a regular expression), before it is
 * known where in which file that text stands.
 */
export interface Fault {
  /** Where in the text, in UTF-16 code units from 0; the text's length means "at the end". */
  readonly offset: number;
  /** What is wrong, in words of the person who wrote it. */
  readonly message: string;
  /** What to do about it, when there is one thing to do. */
  readonly remedy?: string;
}

/** What a parser of a piece of text gives back: the thing, or everything that is wrong with it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** A result without faults. */
export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** A result with one fault. */
export function faulty(offset: number, message: string, remedy?: string): Parsed<never> {
  return {
    ok: false,
    faults: [remedy === undefined ? { offset, message } : { offset, message, remedy }],
  };
}

/** The same faults, in a text in which theirs begins at `offset`. */
export function shifted(faults: readonly Fault[], offset: number): Fault[] {
  return faults.map((fault) => ({ ...fault, offset: fault.offset + offset }));
}
