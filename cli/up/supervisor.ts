import type { Service, ServiceEvent, ServiceStatus } from './service.ts';
import { SupervisedService } from './supervised-service.ts';
import type { Clock, RestartPolicy } from './supervised-service.ts';

export interface SupervisorOptions {
  readonly onEvent?: (event: ServiceEvent) => void;
  /** How long a service may take from its start until it answers. Default 30 s. */
  readonly readyTimeoutMs?: number;
  /** After this long nothing of it runs any more. Default 5 s. */
  readonly stopWithinMs?: number;
  readonly restart?: RestartPolicy;
  readonly clock?: Clock;
}

const RESTART: RestartPolicy = { pauseMsMin: 500, pauseMsMax: 10_000, resetAfterMs: 30_000 };

/** The end of the time for stopping belongs to what had to be killed and takes its time to go. */
const KILL_SHARE = 0.1;
/** What a slow service leaves to each of those that are stopped after it. */
const TURN_SHARE = 0.05;

const CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/**
 * Starts services one after the other, keeps each of them up, and stops them in reverse. Once they
 * run they are independent: a service that dies is restarted whatever the others do.
 *
 *     waiting ──► starting ──► ready ──► stopping ──► stopped
 *                   ▲  │         │
 *                   │  ▼         ▼
 *                  restarting (pause)       failed: the first start did not succeed
 */
export class Supervisor {
  readonly #services: readonly SupervisedService[];
  readonly #stopWithinMs: number;
  readonly #clock: Clock;
  #stopped: Promise<void> | undefined;

  /** @param services in the order in which they are started */
  constructor(services: readonly Service[], options: SupervisorOptions = {}) {
    const { restart = RESTART, readyTimeoutMs = 30_000, stopWithinMs = 5000 } = options;
    const { clock = CLOCK, onEvent = () => undefined } = options;
    this.#clock = clock;
    this.#stopWithinMs = stopWithinMs;
    this.#services = services.map(
      (service) => new SupervisedService(service, { restart, readyTimeoutMs, clock, onEvent }),
    );
  }

  /**
   * Resolves when every service is ready. If one does not come up, what was started is stopped again.
   *
   * @throws RollcallError `server_failed` with the end of the output, `start_cancelled` after `stop`
   */
  async start(): Promise<void> {
    try {
      for (const service of this.#services) await service.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** For the table: the services in their order. */
  services(): ServiceStatus[] {
    return this.#services.map((service) => service.status());
  }

  /** Stops every service, the last one first. Later calls wait for the first one. Never throws. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInReverse();
    return this.#stopped;
  }

  /** Ends everything at once, for somebody who does not want to wait for `stop`. */
  kill(): void {
    for (const service of this.#services) service.kill();
  }

  async #stopInReverse(): Promise<void> {
    const deadlineMs = this.#clock.monotonicMs() + this.#stopWithinMs;
    const turns = this.#services.toReversed();
    // The process of a service that waits for its restart is gone, and must not come back meanwhile.
    const idle = turns.filter((service) => !service.isRunning);
    const running = turns.filter((service) => service.isRunning);
    for (const service of idle) await service.stop(0, 0);
    for (const [turn, service] of running.entries()) {
      const leftMs = deadlineMs - this.#clock.monotonicMs();
      const turnsLeft = running.length - turn - 1;
      const keptMs = this.#stopWithinMs * (KILL_SHARE + TURN_SHARE * turnsLeft);
      const orderlyMs = Math.max(0, leftMs - keptMs);
      const killMs = Math.min(this.#stopWithinMs * KILL_SHARE, Math.max(0, leftMs - orderlyMs));
      await service.stop(orderlyMs, killMs);
    }
  }
}
