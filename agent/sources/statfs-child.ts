import { setImmediate } from 'node:timers/promises';
import { startChild, type Child, type StartChild } from './child-output.ts';

/** The counts of statfs(2), by the names of Node's `StatsFs`. */
export interface FilesystemCounts {
  readonly bsize: number;
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
  readonly files: number;
  readonly ffree: number;
}

/** An answer that may never come. */
export type Statfs = (path: string) => Promise<FilesystemCounts>;

const OUTPUT_BYTES_MAX = 4096;
/** In the order of `FilesystemCounts`; coreutils and busybox know these. */
const FORMAT = '%s %b %f %a %c %d';
/** The same for a host without stat(1); it takes ten times as long. */
const SCRIPT =
  'const s = require("node:fs").statfsSync(process.argv[1]);' +
  'console.log(s.bsize, s.blocks, s.bfree, s.bavail, s.files, s.ffree)';

/**
 * Asks statfs(2) in processes of their own, one a question. Where the filesystem does not answer
 * they can be killed, or be left to the kernel, while this process goes on and can end.
 */
export class StatfsChildren {
  readonly #startChild: StartChild;
  readonly #timeMs: number;
  readonly #running = new Set<Child>();
  #hasStat = true;
  #closed = false;

  /** A child is killed after `timeMs`. */
  constructor(timeMs: number, start: StartChild = startChild) {
    this.#timeMs = timeMs;
    this.#startChild = start;
  }

  /** Rejects when the child has failed or was killed, and is gone. */
  async ask(path: string): Promise<FilesystemCounts> {
    if (this.#hasStat) {
      const end = await this.#run('stat', ['-f', '-c', FORMAT, '--', path]);
      if (end !== null) return end;
      this.#hasStat = false;
    }
    const end = await this.#run(process.execPath, ['-e', SCRIPT, '--', path]);
    if (end === null) throw new Error('neither stat nor node can be started');
    return end;
  }

  close(): void {
    this.#closed = true;
    for (const child of this.#running) child.kill();
  }

  /** Null if there is no such program. */
  async #run(command: string, args: readonly string[]): Promise<FilesystemCounts | null> {
    // Starting a process takes a moment, which no reading is to wait for.
    await setImmediate();
    if (this.#closed) throw new Error('closed');
    const limits = { timeMs: this.#timeMs, bytesMax: OUTPUT_BYTES_MAX };
    const child = this.#startChild(command, args, limits);
    this.#running.add(child);
    const end = await child.ended;
    this.#running.delete(child);
    if (end.outcome === 'not_found') return null;
    if (end.outcome === 'failed') throw new Error('the filesystem could not be asked');
    return parseCounts(end.text);
  }
}

function parseCounts(text: string): FilesystemCounts {
  const counts = text.trim().split(' ').map(Number);
  const [bsize, blocks, bfree, bavail, files, ffree] = counts;
  if (ffree === undefined || counts.some((count) => !Number.isFinite(count))) {
    throw new Error('the counts cannot be understood');
  }
  return {
    bsize: bsize!,
    blocks: blocks!,
    bfree: bfree!,
    bavail: bavail!,
    files: files!,
    ffree,
  };
}
