import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import { Bus } from '../pipeline/bus/bus.ts';
import type { BusOptions } from '../pipeline/bus/bus.ts';
import type { Address } from '../pipeline/dial/address.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import { Ownership } from '../pipeline/membership/ownership.ts';
import { Follower } from '../pipeline/projection/follower.ts';
import { decodeRuleFile } from '../pipeline/rules/rule-topic.ts';
import { decodeTargets } from '../pipeline/targets/target.ts';
import { serveOperations } from '../pipeline/telemetry/operations-server.ts';
import type { OperationsServer } from '../pipeline/telemetry/operations-server.ts';
import { laneOf } from '../pipeline/wire/shard.ts';
import { registerAlerterMetrics } from './alerter-metrics.ts';
import { Delivery } from './delivery.ts';
import type { DeliveryOptions } from './delivery.ts';
import { AlertBook } from './evaluation/alert-book.ts';
import { LaneEvaluator } from './evaluation/lane-evaluator.ts';
import { RuleSet } from './evaluation/rule-set.ts';
import type { Receiver } from './notify/receiver.ts';

export interface AlerterOptions {
  readonly bus: Omit<BusOptions, 'log'>;
  readonly receivers: readonly Receiver[];
  readonly delivery: DeliveryOptions;
  readonly stalenessMs: number;
  readonly checkpointIntervalMs: number;
  readonly metricsListen: Address;
  readonly log: Logger;
}

interface LaneSlot {
  readonly evaluator: LaneEvaluator;
  readonly index: number;
  readonly count: number;
}

/** The alerter process: evaluates every lane and delivers what changes. It needs NATS only. */
export class Alerter {
  readonly #options: AlerterOptions;
  readonly #stop = new AbortController();
  readonly #registry = new Registry();
  readonly #failed = Promise.withResolvers<never>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #ruleFiles = new Map<string, string>();
  readonly #shards = new Map<number, Set<bigint>>();
  #lanes: LaneSlot[] = [];
  #bus: Bus | undefined;
  #ownership: Ownership | undefined;
  #operations: OperationsServer | undefined;
  #followers: Follower[] = [];
  #rules = new RuleSet([]);
  #isReady = false;

  constructor(options: AlerterOptions) {
    this.#options = options;
  }

  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  async start(): Promise<void> {
    const { bus, log, metricsListen } = this.#options;
    this.#operations = await serveOperations({
      address: metricsListen,
      metrics: () => this.#registry.metrics(),
      notReady: () => {
        if (!this.#isReady) return 'waiting for NATS or for the role';
        return this.#bus?.isConnected === true ? undefined : 'there is no connection to NATS';
      },
    });
    this.#bus = await Bus.connect({ ...bus, log }, this.#stop.signal);
    this.#ownership = new Ownership(this.#bus, { role: 'alerter', holder: hostname() });
    const epoch = await this.#ownership.acquire(this.#stop.signal);
    void this.#ownership.lost.then((holder) => this.#fail(`${holder} took the role over`));
    await this.#startDeliveries(this.#bus);
    await this.#startLanes(this.#bus);
    this.#isReady = true;
    log.info({ epoch, rules: this.#rules.rules.length }, 'evaluating');
  }

  async stop(): Promise<void> {
    this.#isReady = false;
    this.#stop.abort();
    for (const follower of this.#followers) follower.stop();
    await Promise.allSettled(this.#tasks);
    for (const receiver of this.#options.receivers) await receiver.close?.();
    await this.#ownership?.release();
    await this.#bus?.close();
    await this.#operations?.close();
  }

  async #startDeliveries(bus: Bus): Promise<void> {
    const { receivers, delivery, log } = this.#options;
    const deliveries = receivers.map(
      (receiver) => new Delivery({ bus, receiver, log }, delivery, this.#stop.signal),
    );
    // Before the first evaluation: a page must not slip in before a new receiver's beginning.
    for (const one of deliveries) await one.recover();
    for (const one of deliveries) this.#run(one.run());
    registerAlerterMetrics(this.#registry, {
      bus,
      deliveries,
      evaluators: () => this.#lanes.map(({ evaluator }) => evaluator),
      rules: () => this.#rules.rules.length,
    });
  }

  async #startLanes(bus: Bus): Promise<void> {
    const { log, stalenessMs, checkpointIntervalMs } = this.#options;
    this.#lanes = (await bus.lanes()).map(({ lane, index, count }) => {
      const parts = { bus, log, book: new AlertBook(stalenessMs) };
      const options = { lane, checkpointIntervalMs };
      return { evaluator: new LaneEvaluator(parts, options, this.#stop.signal), index, count };
    });
    for (const { evaluator } of this.#lanes) await evaluator.recover();
    await this.#follow(bus);
    for (const { evaluator } of this.#lanes) {
      await evaluator.change(() => evaluator.book.dropUnconfirmed());
      await evaluator.change(() => evaluator.book.setRules(this.#rules));
    }
    for (const { evaluator } of this.#lanes) this.#run(evaluator.run());
  }

  /** Targets and rules: all that exist before the first frame is evaluated, then each change. */
  async #follow(bus: Bus): Promise<void> {
    const targets = new Follower(bus, 'targets', (key, value) => {
      this.#onShard(Number(key), value);
    });
    const rules = new Follower(bus, 'rules', (_key, value) => this.#onRuleFile(value));
    this.#followers = [targets, rules];
    for (const follower of this.#followers) {
      this.#run(follower.run());
      await follower.caughtUp;
    }
  }

  #onShard(shard: number, value: Uint8Array): void {
    const targets = decodeTargets(value);
    const ids = new Set(targets.map(({ id }) => id));
    const gone = [...(this.#shards.get(shard) ?? [])].filter((id) => !ids.has(id));
    this.#shards.set(shard, ids);
    for (const { evaluator, index, count } of this.#lanes) {
      if (laneOf(shard, count) !== index) continue;
      for (const target of targets) evaluator.book.setTarget(target);
      void this.#guard(
        evaluator.change(() => gone.flatMap((id) => evaluator.book.removeTarget(id))),
      );
    }
  }

  #onRuleFile(value: Uint8Array): void {
    const { name, content } = decodeRuleFile(value);
    if (content === undefined) this.#ruleFiles.delete(name);
    else this.#ruleFiles.set(name, content);
    this.#rules = RuleSet.fromFiles(this.#ruleFiles, (file, problem) => {
      this.#options.log.error({ file, problem }, 'rule file ignored');
    });
    if (!this.#isReady) return;
    this.#options.log.info({ file: name, rules: this.#rules.rules.length }, 'rules changed');
    for (const { evaluator } of this.#lanes) {
      void this.#guard(evaluator.change(() => evaluator.book.setRules(this.#rules)));
    }
  }

  #run(task: Promise<void>): void {
    const guarded = this.#guard(task);
    this.#tasks.add(guarded);
  }

  async #guard(task: Promise<void>): Promise<void> {
    try {
      await task;
    } catch (error) {
      this.#fail(reasonOf(error));
    }
  }

  #fail(reason: string): void {
    if (this.#stop.signal.aborted) return;
    this.#isReady = false;
    this.#failed.reject(new RollcallError('alerter_failed', reason, { retryable: true }));
  }
}
