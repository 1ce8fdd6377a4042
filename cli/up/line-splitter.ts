/** A longer line is handed on in pieces: a child that never ends its line must not fill our memory. */
export const LINE_LENGTH_MAX = 16 * 1024;

/** Cuts a stream of text into lines. */
export class LineSplitter {
  #rest = '';

  /** @returns the lines that `text` completes, without their line ends */
  push(text: string): string[] {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    const whole = lines.flatMap((line) => pieces(line.endsWith('\r') ? line.slice(0, -1) : line));
    while (this.#rest.length > LINE_LENGTH_MAX) {
      whole.push(this.#rest.slice(0, LINE_LENGTH_MAX));
      this.#rest = this.#rest.slice(LINE_LENGTH_MAX);
    }
    return whole;
  }

  /** @returns what stands after the last line end, if anything; the stream has ended */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

function pieces(line: string): string[] {
  if (line.length <= LINE_LENGTH_MAX) return [line];
  const cut: string[] = [];
  for (let at = 0; at < line.length; at += LINE_LENGTH_MAX) {
    cut.push(line.slice(at, at + LINE_LENGTH_MAX));
  }
  return cut;
}
