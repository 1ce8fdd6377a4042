import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** A program and its arguments; it is looked for in PATH. */
export interface HelperProgram {
  readonly file: string;
  readonly args: readonly string[];
}

/** What is used of a child process; `spawn` of node:child_process gives one. */
export interface HelperChild {
  readonly stdin: Writable;
  readonly stdout: Readable;
  kill(signal: NodeJS.Signals): boolean;
  /** `error` if it could not be started, `exit` when it ended. */
  on(event: 'error' | 'exit', listener: () => void): unknown;
}

export type HelperStart = (program: HelperProgram) => HelperChild;

export interface HelperOptions {
  readonly start?: HelperStart;
  readonly nowMs?: () => number;
  /** A longer answer counts as a failure. */
  readonly answerCharactersMax?: number;
}

/** An answer is awaited for so long; a program that takes longer is ended. */
export const ANSWER_MS_MAX = 4_000;
/** The pause after a failure, doubled with each further one until the next answer. */
export const PAUSE_MS_MIN = 10_000;
export const PAUSE_MS_MAX = 60 * 60_000;
const ANSWER_CHARACTERS_MAX = 4096;

/**
 * A small program that stays and answers questions, a line for a line, for what Node cannot ask
 * the kernel itself. It is started for the first question, and not within that call: starting a
 * process stops this one for some milliseconds. When its standard input closes, as it does
 * however this process ends, the program has to end too.
 *
 *     ask() ──► starting ──► asked ──► answered: takeAnswer()
 *                  │            │
 *                  └────────────┴──► failed: the next program, after the last one a pause
 */
export class HelperProcess {
  readonly #programs: readonly HelperProgram[];
  readonly #start: HelperStart;
  readonly #nowMs: () => number;
  readonly #answerCharactersMax: number;
  /** Of `#programs`; one that never answered is followed by the next. */
  #program = 0;
  #child: HelperChild | undefined;
  #starting = false;
  #closed = false;
  #question: string | undefined;
  #askedAtMs = 0;
  #received = '';
  #answer: string | undefined;
  #hasAnswered = false;
  #pauseMs = PAUSE_MS_MIN;
  #pauseEndsAtMs = -Infinity;

  /** Of several programs with the same answers, the first that works is used. */
  constructor(programs: readonly HelperProgram[], options: HelperOptions = {}) {
    const { start = startProgram, nowMs = () => performance.now() } = options;
    this.#programs = programs;
    this.#start = start;
    this.#nowMs = nowMs;
    this.#answerCharactersMax = options.answerCharactersMax ?? ANSWER_CHARACTERS_MAX;
  }

  /**
   * Asks a question, without its newline. Nothing happens while an earlier question is open, or
   * in the pause after a failure.
   */
  ask(question: string): void {
    const nowMs = this.#nowMs();
    if (this.#closed || this.#question !== undefined || nowMs < this.#pauseEndsAtMs) return;
    if (this.#programs.length === 0) return;
    this.#question = question;
    this.#askedAtMs = nowMs;
    if (this.#child === undefined) this.#startSoon();
    else this.#child.stdin.write(`${question}\n`);
  }

  /**
   * The answer, without its newline, that came since the last call. To be called at every tick:
   * it is what ends a program that does not answer.
   */
  takeAnswer(): string | undefined {
    const late = this.#question !== undefined && this.#nowMs() - this.#askedAtMs > ANSWER_MS_MAX;
    if (late) this.#fail();
    const answer = this.#answer;
    this.#answer = undefined;
    return answer;
  }

  close(): void {
    this.#closed = true;
    this.#question = undefined;
    this.#answer = undefined;
    this.#end();
  }

  #startSoon(): void {
    if (this.#starting) return;
    this.#starting = true;
    setImmediate(() => {
      this.#starting = false;
      if (this.#question !== undefined) this.#startNow(this.#question);
    });
  }

  #startNow(question: string): void {
    let child: HelperChild;
    try {
      child = this.#start(this.#programs[this.#program]!);
    } catch {
      this.#fail();
      return;
    }
    this.#child = child;
    this.#received = '';
    this.#hasAnswered = false;
    const failed = (): void => {
      if (this.#child === child) this.#fail();
    };
    child.on('error', failed);
    child.on('exit', failed);
    child.stdin.on('error', failed);
    child.stdout.on('error', failed);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (text: string) => {
      if (this.#child === child) this.#receive(text);
    });
    child.stdin.write(`${question}\n`);
  }

  #receive(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\n');
    const tooLong = this.#received.length > this.#answerCharactersMax;
    // What nobody asked for, or more than one line, is not what the program is to say.
    if (
      this.#question === undefined ||
      tooLong ||
      (end !== -1 && end < this.#received.length - 1)
    ) {
      this.#fail();
      return;
    }
    if (end === -1) return;
    this.#answer = this.#received.slice(0, end);
    this.#received = '';
    this.#question = undefined;
    this.#hasAnswered = true;
    this.#pauseMs = PAUSE_MS_MIN;
  }

  #fail(): void {
    this.#end();
    if (!this.#hasAnswered && this.#program < this.#programs.length - 1) {
      this.#program++;
      this.#askedAtMs = this.#nowMs();
      if (this.#question !== undefined) this.#startSoon();
      return;
    }
    if (!this.#hasAnswered) this.#program = 0;
    this.#question = undefined;
    this.#pauseEndsAtMs = this.#nowMs() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
  }

  #end(): void {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.kill('SIGKILL');
    child.stdin.destroy();
    child.stdout.destroy();
  }
}

/** Starts a program with nothing of this process but PATH; it keeps no process from ending. */
function startProgram({ file, args }: HelperProgram): HelperChild {
  const { PATH } = process.env;
  const child = spawn(file, args, {
    cwd: '/',
    env: PATH === undefined ? {} : { PATH },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  // If too many files are open, that is told as an event, and the child has no streams.
  child.on('error', () => {});
  const { stdin, stdout } = child as { stdin?: Writable; stdout?: Readable };
  if (stdin === undefined || stdout === undefined) throw new Error('no pipes');
  child.unref();
  for (const stream of [stdin, stdout]) {
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
  return child;
}
