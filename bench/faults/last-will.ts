import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/**
 * A command of the shell that is carried out when it is called for, or when this process has ended, however: the shell
 * waits at the end of a pipe that only we hold open.
 */
export class LastWill {
  readonly #shell: ChildProcess;

  /** @param script with `$1` for `argument` */
  constructor(script: string, argument: string) {
    this.#shell = spawn('/bin/sh', ['-c', `read -r _; ${script}`, 'sh', argument], {
      stdio: ['pipe', 'ignore', 'ignore'],
      // A Ctrl-C in the terminal is not for it.
      detached: true,
    });
    this.#shell.stdin?.on('error', () => undefined);
  }

  /** Resolves when it is done. */
  async execute(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const exited = once(this.#shell, 'exit');
    this.#shell.stdin?.end();
    await exited;
  }
}
