/** Control, format (bidirectional overrides, zero width), lone surrogate, line and page separator. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Foreign text for one line of a terminal or a log: tabs and line ends become spaces, everything
 * else that a terminal would obey rather than show becomes U+FFFD. Longer text is cut to
 * `charsMax` UTF-16 units and ends in "…".
 */
export function printable(text: string, charsMax: number): string {
  const cut = text.length > charsMax;
  // The last unit of a cut text may be half a character: as a lone surrogate it is replaced too.
  const shown = cut ? text.slice(0, Math.max(0, charsMax - 1)) : text;
  const clean = shown.replace(UNPRINTABLE, (char) =>
    char === '\t' || char === '\n' || char === '\r' ? ' ' : '\u{fffd}',
  );
  return cut ? `${clean}…` : clean;
}
