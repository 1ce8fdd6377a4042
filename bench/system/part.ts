import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processUsage } from '../process/process-usage.ts';
import { ChildServer, isExecutable } from '../../pipeline/embedded/child-server.ts';
import { FAIL_POINTS_VARIABLE } from '../../pipeline/fault/fail-point.ts';
import type { ServerSpec } from '../../pipeline/embedded/server-spec.ts';
import { RollcallError } from '../../pipeline/error.ts';

const SETPRIV = '/usr/bin/setpriv';
/** A supervisor's pause before it starts again what has died. */
const RESTART_PAUSE_MS = 300;
const READY_MS_MAX = 60_000;

export interface Death {
  readonly atMs: number;
  /** A signal's name, or `exit code N`. */
  readonly how: string;
  /** Whether the case did it. */
  readonly isMeant: boolean;
}

type Environment = Readonly<Record<string, string>>;

/**
 * One process of the system under test, over all its runs. It is kept up: whatever ends it, it is started
 * again, until the case says otherwise.
 */
export class Part {
  readonly name: string;
  readonly deaths: Death[] = [];
  readonly #specOf: (environment: Environment) => ServerSpec;
  readonly #log: WriteStream;
  #environment: Environment = {};
  #server: ChildServer | undefined;
  #isKeptUp = false;
  #isMeant = false;
  #rssBytesMax = 0;

  /** @param specOf what to run, with further variables of its environment */
  constructor(name: string, logFile: string, specOf: (environment: Environment) => ServerSpec) {
    this.name = name;
    this.#specOf = specOf;
    this.#log = createWriteStream(logFile, { flags: 'a' });
  }

  get pid(): number | undefined {
    return this.isRunning ? this.#server?.pid : undefined;
  }

  get isRunning(): boolean {
    return this.#server !== undefined && !this.#server.hasExited;
  }

  /** The most resident memory that `measure` has seen. */
  get rssBytesMax(): number {
    return this.#rssBytesMax;
  }

  /** Times it ended although the case had not ended it. */
  get unmeantDeaths(): readonly Death[] {
    return this.deaths.filter(({ isMeant }) => !isMeant);
  }

  measure(): void {
    const { pid } = this;
    if (pid === undefined) return;
    this.#rssBytesMax = Math.max(this.#rssBytesMax, processUsage(pid).rssBytes);
  }

  /** Starts it, with these variables in this and all further runs; resolves when it answers. */
  async start(environment: Environment = {}): Promise<void> {
    this.#environment = environment;
    this.#isKeptUp = true;
    if (this.isRunning) return;
    this.#run();
    await this.ready();
  }

  /** @throws RollcallError `server_failed` if it does not answer for a minute, over all its runs */
  async ready(): Promise<void> {
    const deadlineMs = performance.now() + READY_MS_MAX;
    for (;;) {
      if (this.isRunning && (await this.#server!.spec.isReady())) return;
      if (performance.now() > deadlineMs) {
        const output = this.#server?.output ?? '';
        throw new RollcallError('server_failed', `${this.name} does not answer: ${output}`);
      }
      await sleep(50);
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (signal === 'SIGKILL' || signal === 'SIGTERM') this.#isMeant = true;
    this.#server?.child.kill(signal);
  }

  /** SIGKILL; it is started again if it is kept up. Resolves when it has ended. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#server?.exited();
  }

  /** Ends it, in order or by SIGKILL, and leaves it so until `start`. */
  async holdDown(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#isKeptUp = false;
    this.#isMeant = true;
    if (how === 'SIGKILL') await this.kill();
    else await this.#server?.stop();
  }

  /**
   * Starts it anew with a fail-point, at which it will die. It is kept up without the fail-point.
   *
   * @returns whether it got there within the time
   */
  async diesAt(failPoints: string, msMax: number): Promise<boolean> {
    await this.holdDown('SIGTERM');
    const before = this.deaths.length;
    this.#isMeant = true;
    this.#environment = { ...this.#environment, [FAIL_POINTS_VARIABLE]: failPoints };
    this.#run();
    const { [FAIL_POINTS_VARIABLE]: _, ...without } = this.#environment;
    this.#environment = without;
    this.#isKeptUp = true;
    const deadlineMs = performance.now() + msMax;
    while (this.deaths.length === before && performance.now() < deadlineMs) await sleep(20);
    if (this.deaths.length > before) return true;
    this.#isMeant = false;
    return false;
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#isKeptUp = false;
    this.#isMeant = true;
    // One that was stopped could not end in order.
    this.#server?.child.kill('SIGCONT');
    await this.#server?.stop();
    this.#log.end();
  }

  #run(): void {
    const server = new ChildServer(dyingAtOnce(this.#specOf(this.#environment)));
    this.#server = server;
    for (const stream of [server.child.stdout, server.child.stderr]) {
      stream?.on('data', (text: string) => {
        if (!this.#log.writableEnded) this.#log.write(text);
      });
    }
    server.child.once('exit', (code, signal) => {
      const how = signal ?? `exit code ${code}`;
      this.deaths.push({ atMs: Date.now(), how, isMeant: this.#isMeant });
      this.#isMeant = false;
      void this.#restart(server);
    });
  }

  async #restart(dead: ChildServer): Promise<void> {
    if (!this.#isKeptUp) return;
    await sleep(RESTART_PAUSE_MS);
    if (this.#isKeptUp && this.#server === dead) this.#run();
  }
}

/** A process that has been stopped by SIGSTOP would outlive its parent: no other signal reaches it. */
function dyingAtOnce(spec: ServerSpec): ServerSpec {
  if (!isExecutable(SETPRIV)) return spec;
  return {
    ...spec,
    command: SETPRIV,
    args: ['--pdeathsig', 'KILL', spec.command, ...spec.args],
  };
}
