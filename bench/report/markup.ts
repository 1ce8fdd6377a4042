/** Markup that is safe to put into a page as it stands. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupPart = Markup | string | number | readonly Markup[];

/**
 * A template whose values are escaped, for text and for attributes in double quotes, unless they are `Markup`.
 * It is not called html, as formatters then change the text.
 */
export function markup(strings: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  return new Markup(
    strings.map((text, i) => (i === 0 ? text : textOf(parts[i - 1]!) + text)).join(''),
  );
}

/**
 * A value as JSON between script tags, where neither `</script` nor `<!--` may occur. Numbers that JSON has not,
 * and what is undefined in a list, become null.
 */
export function scriptJson(value: unknown): Markup {
  // U+2028 and U+2029 end a line in JavaScript, and did so in its strings before 2019.
  const text = JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return new Markup(text);
}

function textOf(part: MarkupPart): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'string') return escaped(part);
  if (typeof part === 'number') return String(part);
  return part.map(({ text }) => text).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
