import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';

interface NumberedRequest<Request> {
  readonly id: number;
  readonly request: Request;
}

type NumberedAnswer<Answer> =
  | { readonly id: number; readonly answer: Answer }
  | { readonly id: number; readonly error: string };

/** A child of this process and the questions that it has not answered. */
export class ForkedProcess<Request, Answer> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>();
  #nextId = 1;

  /** @param name what errors call it, such as `the fleet` */
  constructor(module: string, name: string) {
    this.#name = name;
    this.#child = fork(module, {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.#exited = once(this.#child, 'exit');
    this.#child.on('message', (message) => this.#take(message as NumberedAnswer<Answer>));
    this.#child.once('exit', (code, signal) => {
      const error = this.#failure(`${name} ended (${signal ?? code})`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** @throws RollcallError `fleet_failed`: the child threw, or has ended */
  ask(request: Request): Promise<Answer> {
    const id = this.#nextId;
    this.#nextId += 1;
    const waiting = Promise.withResolvers<Answer>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, request } satisfies NumberedRequest<Request>, (error) => {
      if (error === null || !this.#waiting.delete(id)) return;
      waiting.reject(this.#failure(`${this.#name}: ${error.message}`, error));
    });
    return waiting.promise;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.#exited;
  }

  #take(message: NumberedAnswer<Answer>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(this.#failure(message.error));
    else waiting?.resolve(message.answer);
  }

  #failure(message: string, cause?: Error): RollcallError {
    return new RollcallError('fleet_failed', message, { cause });
  }
}

/** In the child: answers what its parent asks, until the channel between them ends. */
export function answerParent(answer: (request: never) => Promise<unknown>): void {
  process.on('message', ({ id, request }: NumberedRequest<never>) => {
    answer(request).then(
      (result) => process.send!({ id, answer: result }),
      (error: unknown) => process.send!({ id, error: reasonOf(error) }),
    );
  });
  process.once('disconnect', () => process.exit(0));
}
