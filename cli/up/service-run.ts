import { setTimeout as sleep } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { ChildServer } from '../../pipeline/embedded/child-server.ts';
import type { ServerSpec } from '../../pipeline/embedded/server-spec.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { LineSplitter } from './line-splitter.ts';

/** What a dead child wrote is still in its pipes; a grandchild that holds them is not waited for. */
const LAST_OUTPUT_MS = 200;

export type StopOutcome = 'in order' | 'by force' | 'not at all';

/** One run of a service, from the start of its process to the end. */
export class ServiceRun {
  readonly #server: ChildServer;
  /** Resolves when the process has ended and its output is complete; says why it ended. */
  readonly ended: Promise<string>;
  #hasEnded = false;

  /** @throws RollcallError `server_failed` if the process cannot be started at all */
  constructor(spec: ServerSpec, onLines: (lines: string[]) => void) {
    try {
      this.#server = new ChildServer(spec);
    } catch (cause) {
      const message = `${spec.name} cannot be started: ${reasonOf(cause)}`;
      throw new RollcallError('server_failed', message, { cause });
    }
    const { stdout, stderr } = this.#server.child;
    for (const stream of [stdout, stderr]) if (stream) forwardLines(stream, onLines);
    this.ended = this.#end();
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Waits until it answers. If it does not within the limit, it is killed.
   *
   * @throws RollcallError `server_failed` with the end of its output
   */
  async ready(timeoutMs: number): Promise<void> {
    const answers = this.#server.ready(timeoutMs).then(
      () => true,
      () => false,
    );
    const isReady = await Promise.race([answers, this.ended.then(() => false)]);
    if (isReady && !this.#server.hasExited) return;
    const { spec, hasExited } = this.#server;
    this.kill();
    const reason = await this.ended;
    const what = hasExited
      ? `ended while starting (${reason})`
      : `did not answer within ${timeoutMs / 1000} s`;
    throw new RollcallError('server_failed', `${spec.name} ${what}${this.#quotedOutput()}`);
  }

  /** Ends it, by force after `orderlyMs`, and then waits for at most `killMs`. */
  async stop(orderlyMs: number, killMs: number): Promise<StopOutcome> {
    if (this.#hasEnded) return 'in order';
    void this.#server.stop();
    const limitMs = Math.min(orderlyMs, this.#server.spec.stopTimeoutMs);
    if (await this.#endsWithin(limitMs)) return 'in order';
    this.kill();
    return (await this.#endsWithin(killMs)) ? 'by force' : 'not at all';
  }

  kill(): void {
    this.#server.child.kill('SIGKILL');
  }

  async #end(): Promise<string> {
    const { child } = this.#server;
    const reason = await new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
      child.on('error', (error) => {
        if (child.pid === undefined) resolve(reasonOf(error));
      });
    });
    await within(LAST_OUTPUT_MS, this.#server.exited());
    child.stdout?.destroy();
    child.stderr?.destroy();
    this.#hasEnded = true;
    return reason;
  }

  #endsWithin(limitMs: number): Promise<boolean> {
    return within(limitMs, this.ended);
  }

  #quotedOutput(): string {
    const { output } = this.#server;
    return output === '' ? ', and printed nothing' : `; the end of its output:\n${output}`;
  }
}

/** Whether `done` resolves before the time is over. */
async function within(limitMs: number, done: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const timeout = sleep(limitMs, false, { signal: timer.signal }).catch(() => false);
  const isDone = await Promise.race([done.then(() => true), timeout]);
  timer.abort();
  return isDone;
}

function forwardLines(stream: Readable, onLines: (lines: string[]) => void): void {
  const splitter = new LineSplitter();
  stream.on('data', (text: string) => onLines(splitter.push(text)));
  stream.once('close', () => onLines(splitter.end()));
  stream.on('error', () => undefined);
}
