/*
 * Text of unknown origin on a terminal: alert names and labels come from other machines. It is made
 * harmless, measured in terminal columns, and cut to fit.
 */

/** What moves the cursor, turns the direction of writing, or has no defined looks. */
const HOSTILE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;
const LINE_SPACE = /[\t\n\v\f\r]+/gu;
/** They change the width of the character before them, on some terminals. */
const VARIATION = /\p{Variation_Selector}/gu;
const TOO_MANY_MARKS = /([\p{Mn}\p{Me}]{2})[\p{Mn}\p{Me}]+/gu;
const LEADING_MARK = /^[\p{Mn}\p{Me}]/u;

const ZERO_WIDTH = /[\p{Mn}\p{Me}]/u;
const HALF_WIDTH = /[\uff61-\uffdc\uffe8-\uffee]/u;
/** East Asian wide characters by their scripts (UAX #11 says more exactly which), and emoji. */
const DOUBLE_WIDTH =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Script=Tangut}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u;

const REPLACEMENT = '\ufffd';
const ELLIPSIS = '…';

/** One line without control characters, escape sequences, bidirectional overrides or piles of marks. */
export function neutralise(text: string): string {
  return text
    .normalize('NFC')
    .replace(LINE_SPACE, ' ')
    .replace(VARIATION, '')
    .replace(HOSTILE, REPLACEMENT)
    .replace(TOO_MANY_MARKS, '$1')
    .replace(LEADING_MARK, REPLACEMENT);
}

/** The columns that neutralised text takes. In doubt too many, so that a line never wraps. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += characterWidth(character);
  return width;
}

/** At most `width` columns of it; … stands for what is missing. */
export function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 0) return '';
  let kept = '';
  let keptWidth = 0;
  for (const character of text) {
    keptWidth += characterWidth(character);
    if (keptWidth > width - 1) break;
    kept += character;
  }
  return `${kept.trimEnd()}${ELLIPSIS}`;
}

/** Exactly `width` columns of it. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, width);
  const space = ' '.repeat(Math.max(0, width - displayWidth(shown)));
  return align === 'left' ? shown + space : space + shown;
}

function characterWidth(character: string): number {
  if (character >= ' ' && character <= '~') return 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return !HALF_WIDTH.test(character) && DOUBLE_WIDTH.test(character) ? 2 : 1;
}
