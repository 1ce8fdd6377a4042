import type { ErrorCode } from 'yaml';

/**
 * What is wrong with a file's syntax, in words that repeat nothing of the file: the parser's own
 * messages quote it, and the word that is quoted may be a password.
 */
export function syntaxMessage(code: ErrorCode): string {
  return `not valid YAML: ${messages[code]}`;
}

const aliases = '`&` and `*` begin anchors and aliases; put a value that begins so in quotes';
const key = 'a key has to be a short word on one line, followed by `: `';
const tags = '`!` begins a tag, which no setting takes; put a value that begins so in quotes';

const messages: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: aliases,
  BAD_ALIAS: aliases,
  MULTIPLE_ANCHORS: aliases,
  TAG_RESOLVE_FAILED: tags,
  MULTIPLE_TAGS: tags,
  BAD_COLLECTION_TYPE: tags,
  BAD_PROP_ORDER: tags,
  BAD_DIRECTIVE: 'no `%` directive is needed; remove the line or put the value in quotes',
  BAD_DQ_ESCAPE: 'there is no such `\\` escape; double the `\\` or use single quotes',
  BAD_INDENT: 'the indentation does not fit the lines above',
  TAB_AS_INDENT: 'indent with spaces instead of tabs',
  BAD_SCALAR_START: 'a value that begins with this character has to be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second `: ` on one line; put a value that contains it in quotes',
  BLOCK_IN_FLOW: 'within `{}` and `[]` everything has to be written with `{}` and `[]`',
  DUPLICATE_KEY: 'the key is here a second time; remove one of them',
  IMPOSSIBLE: 'this cannot be read',
  KEY_OVER_1024_CHARS: key,
  MULTILINE_IMPLICIT_KEY: key,
  NON_STRING_KEY: key,
  MISSING_CHAR: 'something is missing here, such as a `:`, a `,`, a quote or a bracket',
  MULTIPLE_DOCS: 'a second document begins here; remove the `---`',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
  UNEXPECTED_TOKEN: 'this does not belong here; put a value with special characters in quotes',
};
