import { spawn, type ChildProcess } from 'node:child_process';

export interface ChildLimits {
  /** Older children are killed. */
  readonly timeMs: number;
  /** A child that says more is killed. */
  readonly bytesMax: number;
}

/** What became of a child; `text` is there only if it ended well and within its limits. */
export type ChildEnd =
  | { readonly outcome: 'ended'; readonly text: string }
  /** It ended with another status than 0, was killed, took too long or said too much. */
  | { readonly outcome: 'failed' }
  /** There is no such program. */
  | { readonly outcome: 'not_found' };

export interface Child {
  /** Settles when the process is gone, which the kernel may put off even after a kill. */
  readonly ended: Promise<ChildEnd>;
  kill(): void;
}

export type StartChild = (command: string, args: readonly string[], limits: ChildLimits) => Child;

/**
 * Runs a program in the background for what it prints, and never waits for it. It gets no input
 * and nothing of this process but PATH; it prints in English and in UTC.
 */
export const startChild: StartChild = (command, args, limits) => {
  let resolve!: (end: ChildEnd) => void;
  const ended = new Promise<ChildEnd>((settle) => {
    resolve = settle;
  });
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      cwd: '/',
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    resolve({ outcome: 'failed' });
    return { ended, kill: () => {} };
  }
  const output = new ChildOutput(child, limits.bytesMax);
  const timer = setTimeout(() => output.kill(), limits.timeMs);
  child.on('error', (error: NodeJS.ErrnoException) => {
    // Also said of a child that could not be killed; that one still has to end.
    if (child.pid !== undefined) return;
    clearTimeout(timer);
    resolve({ outcome: error.code === 'ENOENT' ? 'not_found' : 'failed' });
  });
  child.on('close', (status) => {
    clearTimeout(timer);
    resolve(output.end(status));
  });
  return { ended, kill: () => output.kill() };
};

/** Collects what a child prints, up to a limit. */
class ChildOutput {
  readonly #child: ChildProcess;
  readonly #bytesMax: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #killed = false;

  constructor(child: ChildProcess, bytesMax: number) {
    this.#child = child;
    this.#bytesMax = bytesMax;
    child.stdout?.on('data', (chunk: Buffer) => this.#add(chunk));
    child.stdout?.on('error', () => this.kill());
  }

  kill(): void {
    this.#killed = true;
    this.#child.kill('SIGKILL');
    // What it started may still hold the other end.
    this.#child.stdout?.destroy();
  }

  end(status: number | null): ChildEnd {
    if (this.#killed || status !== 0) return { outcome: 'failed' };
    return { outcome: 'ended', text: Buffer.concat(this.#chunks).toString('utf8') };
  }

  #add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) this.kill();
    else this.#chunks.push(chunk);
  }
}
