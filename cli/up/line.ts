import { cut, displayWidth } from './text-cell.ts';

export type Style = 'strong' | 'dim' | 'good' | 'warning' | 'bad';

/** A part of a line. Its text is neutralised; colour is added only when the line is painted. */
export interface Span {
  readonly text: string;
  readonly style?: Style | undefined;
}

export type Line = readonly Span[];

/** Select Graphic Rendition, ECMA-48 8.3.117, in colours that light and dark terminals both show. */
const SGR: Record<Style, string> = {
  strong: '\x1b[1m',
  dim: '\x1b[2m',
  good: '\x1b[32m',
  warning: '\x1b[33m',
  bad: '\x1b[1;31m',
};
const SGR_RESET = '\x1b[0m';

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

/** The line, cut to `width` columns. */
export function cutLine(line: Line, width: number): Line {
  const kept: Span[] = [];
  let left = width;
  for (const span of line) {
    if (left <= 0) break;
    const text = cut(span.text, left);
    kept.push({ ...span, text });
    if (text !== span.text) break;
    left -= displayWidth(text);
  }
  return kept;
}

/** The line, cut or filled with spaces to `width` columns. */
export function fitLine(line: Line, width: number): Line {
  const kept = cutLine(line, width);
  return [...kept, { text: ' '.repeat(Math.max(0, width - lineWidth(kept))) }];
}

export function paint(line: Line, colour: boolean): string {
  if (!colour)
    return line
      .map(({ text }) => text)
      .join('')
      .trimEnd();
  return line
    .map(({ text, style }) => (style === undefined ? text : `${SGR[style]}${text}${SGR_RESET}`))
    .join('');
}
