import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RollcallError } from '../error.ts';
import type { ServerSpec } from './server-spec.ts';

const OUTPUT_KEPT_BYTES = 4096;
const SETPRIV = '/usr/bin/setpriv';

/** One run of a server, as our child. */
export class ChildServer {
  readonly spec: ServerSpec;
  readonly child: ChildProcess;
  #output = '';
  #exited: Promise<unknown>;

  constructor(spec: ServerSpec) {
    this.spec = spec;
    const [command, args] = dieWithParent(spec);
    this.child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Out of reach of a Ctrl-C in the terminal: the order of stopping is the parent's.
      detached: true,
      env: { ...process.env, ...spec.env },
    });
    // Closing the input of a process that has just died is no error.
    this.child.stdin?.on('error', () => undefined);
    this.#exited = once(this.child, 'close').catch(() => undefined);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT_BYTES);
      });
    }
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** The end of what it printed, for when it fails. */
  get output(): string {
    return this.#output.trim();
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves when it has ended, however. */
  async exited(): Promise<void> {
    await this.#exited;
  }

  /** @throws RollcallError `server_failed` with the end of its output */
  async ready(timeoutMs = 30_000): Promise<this> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!(await this.spec.isReady())) {
      if (this.hasExited || performance.now() > deadlineMs) {
        const what = this.hasExited ? 'ended while starting' : 'does not answer';
        throw new RollcallError('server_failed', `${this.spec.name} ${what}: ${this.output}`);
      }
      await sleep(50);
    }
    return this;
  }

  /** Ends it in order, or by force if it does not end in time. */
  async stop(): Promise<void> {
    if (this.hasExited) return;
    if (this.spec.stopBy === 'SIGTERM') this.child.kill('SIGTERM');
    this.child.stdin?.end();
    const force = setTimeout(() => this.child.kill('SIGKILL'), this.spec.stopTimeoutMs);
    await this.#exited;
    clearTimeout(force);
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exited;
  }
}

/**
 * A server whose parent is killed must not live on. ClickHouse ends with its standard input; others are
 * started through setpriv (util-linux), which has the kernel send the signal (prctl(2),
 * PR_SET_PDEATHSIG).
 */
function dieWithParent(spec: ServerSpec): [string, string[]] {
  if (spec.stopBy === 'closing stdin' || !isExecutable(SETPRIV)) {
    return [spec.command, [...spec.args]];
  }
  return [SETPRIV, ['--pdeathsig', 'TERM', spec.command, ...spec.args]];
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
