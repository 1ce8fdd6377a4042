/** A key and its value of os-release(5). */
export type Assignment = readonly [key: string, value: string];

const ASSIGNMENT = /^(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*)$/;
/** What a backslash makes of the next character between double quotes. */
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  $: '$',
  '`': '`',
  n: '\n',
  t: '\t',
};

/**
 * Parses one line of os-release(5), which is an assignment as a shell has it, without expansions.
 * Undefined if it is empty or a comment, null if it is malformed.
 */
export function parseAssignment(line: string): Assignment | null | undefined {
  const trimmed = line.trim();
  if (trimmed === '' || trimmed.startsWith('#')) return undefined;
  const [, key, quoted] = ASSIGNMENT.exec(trimmed) ?? [];
  if (key === undefined || quoted === undefined) return null;
  const value = unquote(quoted);
  return value === null ? null : [key, value];
}

/** Without its quotes and the comment behind it; null if a quote is not closed. */
function unquote(quoted: string): string | null {
  let value = '';
  /** What must stay if blanks are cut off before a comment. */
  let kept = 0;
  for (let i = 0; i < quoted.length; i++) {
    const character = quoted[i]!;
    if (character < ' ' && character !== '\t') return null;
    if (character === '#') return value.slice(0, Math.max(kept, value.trimEnd().length));
    if (character !== '"' && character !== "'") {
      value += character;
      continue;
    }
    const end = closingQuote(quoted, i);
    if (end === -1) return null;
    const inside = quoted.slice(i + 1, end);
    value += character === '"' ? unescape(inside) : inside;
    kept = value.length;
    i = end;
  }
  return value;
}

function closingQuote(quoted: string, opening: number): number {
  const quote = quoted[opening]!;
  for (let i = opening + 1; i < quoted.length; i++) {
    if (quoted[i] === quote) return i;
    if (quoted[i] === '\\' && quote === '"') i++;
  }
  return -1;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, (both, next: string) => ESCAPES[next] ?? both);
}
