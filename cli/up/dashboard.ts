import { reasonOf } from '../../pipeline/error.ts';
import { renderScreen } from './screen.ts';
import type { ScreenSize } from './screen.ts';
import type { Snapshot } from './snapshot.ts';
import { cut, neutralise } from './text-cell.ts';

/** What it draws on: `process.stdout`. */
export interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
}

export interface DashboardOptions {
  readonly intervalMs?: number;
  readonly colour?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Whether a screen can be drawn on the stream. If not, lines of text are the thing. */
export function canDraw(stream: TerminalStream, env: Environment = process.env): boolean {
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

/** Source of NO_COLOR: https://no-color.org */
export function wantsColour(stream: TerminalStream, env: Environment = process.env): boolean {
  return canDraw(stream, env) && (env['NO_COLOR'] ?? '') === '';
}

// Sources: ECMA-48 for the cursor and erasing, "XTerm Control Sequences" for the private modes; 2026
// is synchronized output, which terminals that do not know it ignore.
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const FRAME_BEGIN = '\x1b[?2026h\x1b[H';
const FRAME_END = '\x1b[?2026l';
// A line is erased before it is written: after one that fills it the cursor stands on its last column, and
// erasing would take that.
const ERASE_LINE = '\x1b[K';
const ERASE_REST = '\x1b[J';

const SIZE: ScreenSize = { columns: 80, rows: 24 };

/**
 * Draws a snapshot on a terminal about once a second, in place: each line is erased and written anew, all
 * in one write. It uses the alternate screen, so what stood on the terminal is there
 * again afterwards. The terminal is restored by `close` and whenever the process exits, by an
 * uncaught error too; signals must be handled by the program, as always.
 */
export class Dashboard {
  readonly #stream: TerminalStream;
  readonly #takeSnapshot: () => Snapshot;
  readonly #intervalMs: number;
  readonly #colour: boolean;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;

  constructor(
    stream: TerminalStream,
    takeSnapshot: () => Snapshot,
    options: DashboardOptions = {},
  ) {
    this.#stream = stream;
    this.#takeSnapshot = takeSnapshot;
    this.#intervalMs = options.intervalMs ?? 1000;
    this.#colour = options.colour ?? wantsColour(stream);
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    // The terminal may go away at any time, and then there is nothing left to restore.
    this.#stream.on('error', this.#giveUp);
    this.#stream.on('resize', this.draw);
    process.on('exit', this.close);
    this.#stream.write(ENTER);
    this.draw();
    this.#timer = setInterval(this.draw, this.#intervalMs);
  }

  /** Draws now. A terminal that does not keep up misses a picture. Never throws. */
  readonly draw = (): void => {
    if (!this.#isOpen || this.#stream.writableNeedDrain === true) return;
    const lines = this.#lines();
    const last = lines.pop() ?? '';
    const above = lines.map((line) => `${ERASE_LINE}${line}\r\n`).join('');
    this.#stream.write(`${FRAME_BEGIN}${above}${ERASE_REST}${last}${FRAME_END}`);
  };

  readonly close = (): void => {
    if (!this.#isOpen) return;
    this.#stream.write(LEAVE);
    this.#giveUp();
  };

  readonly #giveUp = (): void => {
    this.#isOpen = false;
    clearInterval(this.#timer);
    this.#stream.off('resize', this.draw);
    process.off('exit', this.close);
  };

  #lines(): string[] {
    // A terminal that does not know its size says 0.
    const columns = this.#stream.columns || SIZE.columns;
    const rows = this.#stream.rows || SIZE.rows;
    try {
      return renderScreen(this.#takeSnapshot(), { columns, rows, colour: this.#colour });
    } catch (error) {
      // What is watched is more important than the watching.
      return [cut(neutralise(`The screen cannot be drawn: ${reasonOf(error)}`), columns)];
    }
  }
}
