import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from '../../pipeline/dial/backoff.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { LogFile } from './log-file.ts';
import type { Service, ServiceEvent, ServiceState, ServiceStatus } from './service.ts';
import { ServiceRun } from './service-run.ts';

export interface Clock {
  /** Unix time in milliseconds. */
  wallMs(): number;
  monotonicMs(): number;
}

/** When a service that died is started again. */
export interface RestartPolicy {
  /** The longest first pause; it doubles with every death in a row. Each pause is jittered. */
  readonly pauseMsMin: number;
  readonly pauseMsMax: number;
  /** A service that was ready for this long starts with the first pause again. */
  readonly resetAfterMs: number;
}

export interface SupervisedServiceOptions {
  readonly restart: RestartPolicy;
  readonly readyTimeoutMs: number;
  readonly clock: Clock;
  readonly onEvent: (event: ServiceEvent) => void;
}

/** One service over all its runs. Nothing here knows of other services. */
export class SupervisedService {
  readonly #service: Service;
  readonly #options: SupervisedServiceOptions;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #log: LogFile | undefined;
  #run: ServiceRun | undefined;
  #readySinceMs: number | undefined;
  #state: ServiceState = 'waiting';
  #sinceMs: number;
  #restarts = 0;

  constructor(service: Service, options: SupervisedServiceOptions) {
    this.#service = service;
    this.#options = options;
    const { pauseMsMin, pauseMsMax } = options.restart;
    // Between half and all of the pause: with full jitter one that dies at once might be started
    // again at once.
    this.#backoff = new Backoff(pauseMsMin, pauseMsMax, () => 0.5 + Math.random() / 2);
    this.#sinceMs = options.clock.wallMs();
  }

  get isRunning(): boolean {
    return this.#run !== undefined && !this.#run.hasEnded;
  }

  status(): ServiceStatus {
    return {
      name: this.#service.spec.name,
      pid: this.isRunning ? this.#run?.pid : undefined,
      state: this.#state,
      restarts: this.#restarts,
      sinceMs: this.#sinceMs,
    };
  }

  /**
   * Resolves when it is ready; from then on it is kept up.
   *
   * @throws RollcallError `server_failed` with the end of its output, `log_file_failed`,
   *   `start_cancelled` if it was stopped meanwhile, and whatever `prepare` throws
   */
  async start(): Promise<void> {
    const { logFile } = this.#service;
    try {
      this.#checkNotStopping();
      await this.#service.prepare?.();
      this.#checkNotStopping();
      if (logFile !== undefined) this.#log = new LogFile(logFile);
      await this.#bringUp();
    } catch (error) {
      this.#checkNotStopping();
      this.#enter('failed');
      // What was never started did not die: the caller says what went wrong.
      if (this.#run !== undefined) this.#report('died', this.#run.pid, firstLine(reasonOf(error)));
      throw error;
    }
    void this.#keepUp();
  }

  /** Ends it within about `orderlyMs + killMs` and never starts it again. */
  async stop(orderlyMs: number, killMs: number): Promise<void> {
    this.#stopping.abort();
    const run = this.#run;
    const wasRunning = this.isRunning;
    if (run !== undefined && wasRunning) {
      this.#enter('stopping');
      const outcome = await run.stop(orderlyMs, killMs);
      const detail = { 'in order': '', 'by force': 'by force', 'not at all': 'still there' }[
        outcome
      ];
      this.#report('stopped', run.pid, detail);
    }
    if (this.#state !== 'failed') this.#enter('stopped');
    this.#log?.close();
  }

  /** Ends it at once, without order. */
  kill(): void {
    this.#stopping.abort();
    this.#run?.kill();
  }

  async #keepUp(): Promise<void> {
    let reason = await this.#run!.ended;
    while (!this.#stopping.signal.aborted) {
      this.#report('died', this.#run?.pid, reason);
      const pauseMs = this.#nextPauseMs();
      this.#enter('restarting');
      this.#report('restarting', undefined, `in ${Math.round(pauseMs)} ms`);
      await sleep(pauseMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      this.#restarts += 1;
      reason = await this.#runOnce();
    }
  }

  /** @returns why it ended */
  async #runOnce(): Promise<string> {
    try {
      await this.#bringUp();
    } catch (error) {
      return firstLine(reasonOf(error));
    }
    return await this.#run!.ended;
  }

  async #bringUp(): Promise<void> {
    this.#enter('starting');
    this.#readySinceMs = undefined;
    this.#run = new ServiceRun(this.#service.spec, (lines) => this.#take(lines));
    this.#report('started', this.#run.pid, '');
    await this.#run.ready(this.#service.readyTimeoutMs ?? this.#options.readyTimeoutMs);
    this.#checkNotStopping();
    this.#readySinceMs = this.#options.clock.monotonicMs();
    this.#enter('ready');
    this.#report('ready', this.#run.pid, '');
  }

  #nextPauseMs(): number {
    const sinceMs = this.#readySinceMs ?? Infinity;
    const { clock, restart } = this.#options;
    if (clock.monotonicMs() - sinceMs >= restart.resetAfterMs) this.#backoff.reset();
    return this.#backoff.nextMs();
  }

  #take(lines: readonly string[]): void {
    this.#log?.append(lines);
    for (const line of lines) this.#service.onLine?.(line);
  }

  #checkNotStopping(): void {
    if (!this.#stopping.signal.aborted) return;
    const message = `${this.#service.spec.name} was stopped before it was ready`;
    throw new RollcallError('start_cancelled', message);
  }

  #enter(state: ServiceState): void {
    this.#state = state;
    this.#sinceMs = this.#options.clock.wallMs();
  }

  #report(kind: ServiceEvent['kind'], pid: number | undefined, detail: string): void {
    this.#options.onEvent({ service: this.#service.spec.name, kind, pid, detail });
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
