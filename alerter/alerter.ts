import type { Logger } from 'pino';
import type { Bus } from '../pipeline/bus/bus.ts';
import type { BusOptions } from '../pipeline/bus/bus.ts';
import type { Lane } from '../pipeline/bus/topology.ts';
import type { Address } from '../pipeline/dial/address.ts';
import { retry } from '../pipeline/dial/retry.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import { PartTasks } from '../pipeline/membership/part-tasks.ts';
import { Component } from '../pipeline/process/component.ts';
import { Follower } from '../pipeline/projection/follower.ts';
import { decodeRuleFile } from '../pipeline/rules/rule-topic.ts';
import { decodeTargets } from '../pipeline/targets/target.ts';
import type { Target } from '../pipeline/targets/target.ts';
import { laneOf } from '../pipeline/wire/shard.ts';
import { registerAlerterMetrics } from './alerter-metrics.ts';
import { DeliveryPosition } from './delivery-position.ts';
import { Delivery } from './delivery.ts';
import type { DeliveryOptions } from './delivery.ts';
import { AlertBook } from './evaluation/alert-book.ts';
import type { AlertLimits } from './evaluation/alert-quota.ts';
import { LaneEvaluator } from './evaluation/lane-evaluator.ts';
import { RuleSet } from './evaluation/rule-set.ts';
import type { Receiver } from './notify/receiver.ts';
import { unreadable } from './unreadable.ts';

export interface AlerterOptions {
  readonly bus: Omit<BusOptions, 'log'>;
  /** Names this alerter among the others, for people. */
  readonly member: string;
  readonly receivers: readonly Receiver[];
  readonly delivery: DeliveryOptions;
  /** Of each lane. */
  readonly limits: AlertLimits;
  readonly stalenessMs: number;
  readonly checkpointIntervalMs: number;
  readonly metricsListen: Address;
  readonly log: Logger;
}

interface LanePart {
  readonly lane: Lane;
  readonly index: number;
  readonly count: number;
}

/**
 * The alerter process: evaluates the lanes it owns, and delivers what changes in any lane to the receivers it
 * owns. It needs NATS only.
 */
export class Alerter {
  readonly #options: AlerterOptions;
  readonly #component: Component;
  readonly #ruleFiles = new Map<string, string>();
  /** All targets, by shard. */
  readonly #targets = new Map<number, readonly Target[]>();
  readonly #evaluated = new Map<LanePart, LaneEvaluator>();
  readonly #deliveries = new Map<string, Delivery>();
  #followers: Follower[] = [];
  #metrics: ReturnType<typeof registerAlerterMetrics> | undefined;
  #rules = new RuleSet([]);
  #refusedStates = 0;

  constructor(options: AlerterOptions) {
    this.#options = options;
    this.#component = new Component({ name: 'alerter', ...options });
  }

  get failed(): Promise<never> {
    return this.#component.failed;
  }

  async start(): Promise<void> {
    const component = this.#component;
    const bus = await component.connect();
    this.#metrics = registerAlerterMetrics(component.registry, {
      bus,
      evaluators: () => [...this.#evaluated.values()],
      deliveries: () => [...this.#deliveries.values()],
      rules: () => this.#rules.rules.length,
      refusedStates: () => this.#refusedStates,
    });
    await this.#follow(bus);
    await this.#beginReceivers(bus);
    await this.#joinNotifiers(bus);
    await this.#joinAlerters(bus);
    component.ready();
    const { log } = this.#options;
    log.info({ lanes: this.#evaluated.size, rules: this.#rules.rules.length }, 'evaluating');
  }

  async stop(): Promise<void> {
    for (const follower of this.#followers) follower.stop();
    await this.#component.leave();
    for (const receiver of this.#options.receivers) await receiver.close?.();
    await this.#component.close();
  }

  /** Targets and rules: all that exist before the first frame is evaluated, then each change. */
  async #follow(bus: Bus): Promise<void> {
    const targets = new Follower(bus, 'targets', (key, value) => {
      const subject = bus.topology.stateSubject('targets', key);
      const list = this.#readable(bus, subject, () => decodeTargets(value));
      if (list !== undefined) this.#onTargets(Number(key), list);
    });
    const rules = new Follower(bus, 'rules', (key, value) => {
      const subject = bus.topology.stateSubject('rules', key);
      const file = this.#readable(bus, subject, () => checkedRuleFile(value));
      if (file !== undefined) this.#onRuleFile(file);
    });
    this.#followers = [targets, rules];
    for (const follower of this.#followers) {
      this.#component.run(follower.run());
      await follower.caughtUp;
    }
  }

  /** What cannot be read is told and left out; what was there before stays in force. */
  #readable<T>(bus: Bus, subject: string, decode: () => T): T | undefined {
    try {
      return decode();
    } catch (error) {
      this.#refusedStates += 1;
      const reason = reasonOf(unreadable(bus, subject, error));
      const remedy = 'then start the writers again: they put it there anew';
      this.#options.log.error({ subject, reason, remedy }, 'targets or rules are left out');
      return undefined;
    }
  }

  /** Before the first evaluation: a page must not slip in before a new receiver's beginning. */
  async #beginReceivers(bus: Bus): Promise<void> {
    for (const { name } of this.#options.receivers) {
      await retry(() => DeliveryPosition.begin(bus, name), {
        signal: this.#component.signal,
        pauseMsMin: 50,
        pauseMsMax: 2000,
        onRetry: (error) => {
          bus.log.warn({ receiver: name, reason: reasonOf(error) }, 'cannot begin it yet');
        },
      });
    }
  }

  async #joinNotifiers(bus: Bus): Promise<void> {
    const { receivers, delivery, log } = this.#options;
    const byName = new Map(receivers.map((receiver) => [receiver.name, receiver]));
    const owner = new PartTasks(
      async (name, epoch, signal) => {
        const parts = { bus, receiver: byName.get(name)!, log };
        const one = new Delivery(parts, { ...delivery, epoch }, signal);
        this.#deliveries.set(name, one);
        try {
          await one.run();
        } finally {
          this.#deliveries.delete(name);
          this.#metrics!.keepDelivery(one);
        }
      },
      (name, error) => this.#component.fail(`receiver ${name}: ${reasonOf(error)}`),
    );
    const parts = [...byName.keys()];
    await this.#component.join({ role: 'notifier', parts, spread: 'even', owner });
  }

  async #joinAlerters(bus: Bus): Promise<void> {
    const lanes = new Map((await bus.lanes()).map((part) => [part.lane.id, part]));
    const owner = new PartTasks(
      (id, epoch, signal) => this.#evaluate(bus, lanes.get(id)!, epoch, signal),
      (id, error) => this.#component.fail(`lane ${id}: ${reasonOf(error)}`),
    );
    const parts = [...lanes.keys()];
    await this.#component.join({ role: 'alerter', parts, spread: 'even', owner });
  }

  /** Evaluates one lane for as long as it is ours. */
  async #evaluate(bus: Bus, part: LanePart, epoch: number, signal: AbortSignal): Promise<void> {
    const { log, member, limits, stalenessMs, checkpointIntervalMs } = this.#options;
    const parts = { bus, log, book: new AlertBook(stalenessMs, Date.now, limits) };
    const options = { lane: part.lane, checkpointIntervalMs, epoch, member };
    const evaluator = new LaneEvaluator(parts, options, signal);
    await evaluator.recover();
    for (const [shard, targets] of this.#targets) {
      if (laneOf(shard, part.count) !== part.index) continue;
      for (const target of targets) evaluator.book.setTarget(target);
    }
    this.#evaluated.set(part, evaluator);
    try {
      await evaluator.change(() => evaluator.book.dropUnconfirmed());
      await evaluator.change(() => evaluator.book.setRules(this.#rules));
      await evaluator.run();
    } finally {
      this.#evaluated.delete(part);
      this.#metrics!.keep(evaluator);
    }
  }

  #onTargets(shard: number, targets: readonly Target[]): void {
    const ids = new Set(targets.map(({ id }) => id));
    const gone = (this.#targets.get(shard) ?? []).filter(({ id }) => !ids.has(id));
    this.#targets.set(shard, targets);
    for (const [{ index, count }, evaluator] of this.#evaluated) {
      if (laneOf(shard, count) !== index) continue;
      for (const target of targets) evaluator.book.setTarget(target);
      this.#change(evaluator, () => gone.flatMap(({ id }) => evaluator.book.removeTarget(id)));
    }
  }

  #onRuleFile({ name, content }: ReturnType<typeof decodeRuleFile>): void {
    if (content === undefined) this.#ruleFiles.delete(name);
    else this.#ruleFiles.set(name, content);
    this.#rules = RuleSet.fromFiles(this.#ruleFiles, (file, problem) => {
      this.#options.log.error({ file, problem }, 'rule file ignored');
    });
    if (this.#evaluated.size === 0) return;
    this.#options.log.info({ file: name, rules: this.#rules.rules.length }, 'rules changed');
    for (const evaluator of this.#evaluated.values()) {
      this.#change(evaluator, () => evaluator.book.setRules(this.#rules));
    }
  }

  /** A change that fails because the lane moved on is made by its new owner. */
  #change(evaluator: LaneEvaluator, change: Parameters<LaneEvaluator['change']>[0]): void {
    evaluator.change(change).catch((error: unknown) => {
      const { log } = this.#options;
      log.debug({ lane: evaluator.laneId, reason: reasonOf(error) }, 'change not recorded');
    });
  }
}

function checkedRuleFile(value: Uint8Array): ReturnType<typeof decodeRuleFile> {
  const { name, content } = decodeRuleFile(value);
  if (typeof name === 'string' && (content === undefined || typeof content === 'string')) {
    return { name, content };
  }
  throw new RollcallError('rules_invalid', 'a rule file has a name and a text');
}
