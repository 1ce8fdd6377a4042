import type { Line, Span, Style } from './line.ts';
import { displayWidth, fit, neutralise } from './text-cell.ts';

export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
}

export interface Column {
  readonly align?: 'left' | 'right';
}

const GAP = '  ';
/** A column is not made narrower than this while another one is wider. */
const COLUMN_WIDTH_MIN = 3;
/** No terminal is wider than this; what is longer need not be looked at. */
const CELL_LENGTH_MAX = 512;

/**
 * Lays rows of cells out in columns that are as wide as their widest cell. If that is wider than
 * `width`, the widest columns give way. Cells are neutralised here.
 */
export function layOut(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): Line[] {
  const clean = rows.map((row) =>
    row.map(({ text, style }) => ({ text: neutralise(text.slice(0, CELL_LENGTH_MAX)), style })),
  );
  const widths = columnWidths(columns.length, clean, width);
  return clean.map((row) => row.flatMap((cell, index) => spansOf(cell, index, columns, widths)));
}

function spansOf(
  { text, style }: Cell,
  index: number,
  columns: readonly Column[],
  widths: readonly number[],
): Span[] {
  const shown = fit(text, widths[index] ?? 0, columns[index]?.align);
  const isLast = index === columns.length - 1;
  return [
    ...(index === 0 ? [] : [{ text: GAP }]),
    { text: isLast ? shown.trimEnd() : shown, style },
  ];
}

function columnWidths(count: number, rows: readonly (readonly Cell[])[], width: number): number[] {
  const widths = Array.from({ length: count }, (_, index) =>
    Math.max(0, ...rows.map((row) => displayWidth(row[index]?.text ?? ''))),
  );
  let excess = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (count - 1) - width;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const current = widths[widest] ?? 0;
    if (current <= COLUMN_WIDTH_MIN) break;
    widths[widest] = current - 1;
    excess -= 1;
  }
  return widths;
}
