/** A piece of what stands between `{{` and `}}`. */
export interface Token {
  readonly kind: 'variable' | 'field' | 'word' | 'number' | 'string' | 'mark' | 'unknown';
  readonly text: string;
  readonly offset: number;
}

/** The inside of one `{{ … }}`. */
export interface Action {
  readonly tokens: readonly Token[];
  /** Where `{{` stands. */
  readonly start: number;
  /** Where the text goes on. */
  readonly end: number;
  /** Where `}}` or `-}}` stands; `start` for a comment. */
  readonly close: number;
  /** `{{-` and `-}}` take away the white space before and after. */
  readonly trimsBefore: boolean;
  readonly trimsAfter: boolean;
}

const TOKEN = new RegExp(
  [
    String.raw`(?<variable>\$\w*(?:\.\w+)*)`,
    String.raw`(?<field>\.(?:\w+(?:\.\w+)*)?)`,
    String.raw`(?<number>[-+]?(?:\d[\w.]*(?:(?<=[eE])[-+]\d+)?))`,
    String.raw`(?<word>[A-Za-z_]\w*)`,
    '(?<string>"(?:\\\\.|[^"\\\\\\n])*"|`[^`]*`)',
    String.raw`(?<mark>:=|[|(),=])`,
    String.raw`(?<unknown>["'${'`'}]?.)`,
  ].join('|'),
  'suy',
);

const SPACE = /[ \t\r\n]*/y;
const COMMENT = /\{\{(-[ \t\r\n]+)?\/\*[^]*?\*\/([ \t\r\n]+-)?\}\}/y;

/** Splits the action that begins with the `{{` at `start`; undefined when it is never closed. */
export function readAction(text: string, start: number): Action | undefined {
  COMMENT.lastIndex = start;
  const comment = COMMENT.exec(text);
  if (comment !== null) {
    const end = start + comment[0].length;
    const [trimsBefore, trimsAfter] = [comment[1] !== undefined, comment[2] !== undefined];
    return { tokens: [], start, end, close: start, trimsBefore, trimsAfter };
  }
  const trimsBefore = /^-[ \t\r\n]/.test(text.slice(start + 2, start + 4));
  const tokens: Token[] = [];
  let at = start + 2 + (trimsBefore ? 1 : 0);
  for (;;) {
    SPACE.lastIndex = at;
    const blank = SPACE.exec(text)?.[0].length ?? 0;
    at += blank;
    // Without white space before it, the - of -}} is a minus.
    const trimsAfter = blank > 0 && text.startsWith('-}}', at);
    const close = trimsAfter ? at + 1 : at;
    if (text.startsWith('}}', close)) {
      return { tokens, start, end: close + 2, close: at, trimsBefore, trimsAfter };
    }
    const token = readToken(text, at);
    if (token === undefined) return undefined;
    tokens.push(token);
    at += token.text.length;
  }
}

function readToken(text: string, offset: number): Token | undefined {
  TOKEN.lastIndex = offset;
  const match = TOKEN.exec(text);
  if (match === null) return undefined;
  const named = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined);
  return { kind: (named?.[0] ?? 'unknown') as Token['kind'], text: match[0], offset };
}
