import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { Bus } from '../bus/bus.ts';
import type { BusOptions } from '../bus/bus.ts';
import type { Address } from '../dial/address.ts';
import { reasonOf, RollcallError } from '../error.ts';
import { Membership } from '../membership/membership.ts';
import type { MembershipOptions } from '../membership/membership.ts';
import { registerMembershipMetrics } from '../membership/membership-metrics.ts';
import { SelfReport } from '../telemetry/self-report.ts';
import { serveOperations } from '../telemetry/operations-server.ts';
import type { OperationsServer } from '../telemetry/operations-server.ts';

export interface ComponentOptions {
  /** Such as `writer`. */
  readonly name: string;
  /** Names this process among those of its kind, for people. */
  readonly member: string;
  readonly bus: Omit<BusOptions, 'log'>;
  readonly metricsListen: Address;
  /** What the process measures; its own registry if left out. */
  readonly measure?: () => Promise<Registry>;
  readonly log: Logger;
}

/**
 * What the processes of the centre have in common: a connection to NATS, the address for operators, roles
 * among others of their kind, tasks that run for as long as the process does, and one way to fail.
 */
export class Component {
  readonly registry = new Registry();
  readonly #options: ComponentOptions;
  readonly #stop = new AbortController();
  readonly #failed = Promise.withResolvers<never>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #memberships: Membership[] = [];
  #bus: Bus | undefined;
  #operations: OperationsServer | undefined;
  #isReady = false;

  constructor(options: ComponentOptions) {
    this.#options = options;
    registerMembershipMetrics(this.registry, this.#memberships);
    // Nobody may be listening yet when it fails.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when the process cannot go on. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Aborted when the process is to stop. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get isStopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Opens the address for operators and connects to NATS, for as long as that takes. */
  async connect(): Promise<Bus> {
    const { name, member, bus, log, metricsListen } = this.#options;
    this.#operations = await serveOperations({
      address: metricsListen,
      metrics: async () => (await this.#measure()).metrics(),
      notReady: () => {
        if (!this.#isReady) return 'waiting for NATS, or for what it starts with';
        return this.#bus?.isConnected === true ? undefined : 'there is no connection to NATS';
      },
    });
    this.#bus = await Bus.connect({ ...bus, log }, this.signal);
    this.signal.throwIfAborted();
    void this.#bus.closed.then((reason) => this.#onClosed(reason));
    const metrics = async () => (await this.#measure()).getMetricsAsJSON();
    const report = new SelfReport({ bus: this.#bus, role: name, member, metrics, log });
    this.run(report.run(this.signal));
    return this.#bus;
  }

  /** Takes part in a role; resolves once what is free and ours is ours. */
  async join(role: Omit<MembershipOptions, 'name'>): Promise<Membership> {
    const { member } = this.#options;
    const membership = new Membership(this.#bus!, { ...role, name: member });
    this.#memberships.push(membership);
    const running = membership.run();
    this.run(running);
    await Promise.race([membership.ready, running]);
    this.signal.throwIfAborted();
    return membership;
  }

  /** From now on `/readyz` says yes. */
  ready(): void {
    this.#isReady = true;
  }

  /** Runs a task; its failure is the process'. */
  run(task: Promise<void>): void {
    const guarded = task
      .catch((error: unknown) => this.fail(reasonOf(error)))
      .finally(() => this.#tasks.delete(guarded));
    this.#tasks.add(guarded);
  }

  fail(reason: string): void {
    if (this.isStopping) return;
    this.#isReady = false;
    const { name } = this.#options;
    this.#failed.reject(new RollcallError(`${name}_failed`, reason, { retryable: true }));
  }

  /** Gives up every role and ends the tasks. */
  async leave(): Promise<void> {
    this.#isReady = false;
    await Promise.all(this.#memberships.map((membership) => membership.leave()));
    this.#stop.abort();
    await Promise.all(this.#tasks);
  }

  /** After `leave`. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#bus?.close();
    await this.#operations?.close();
  }

  #onClosed(reason: unknown): void {
    const why = reason === undefined ? '' : `: ${reasonOf(reason)}`;
    this.fail(
      `the connection to NATS has ended for good${why}: check nats.servers and the credentials`,
    );
  }

  #measure(): Promise<Registry> {
    return this.#options.measure?.() ?? Promise.resolve(this.registry);
  }
}
