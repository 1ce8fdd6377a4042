import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatProblem } from '../../alerter/rules/problem.ts';
import { parseRuleFile } from '../../alerter/rules/rule-file.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { PageCatcher } from '../audit/page-catcher.ts';
import { countOpen, countStored } from '../audit/stored-frames.ts';
import { Fleet, hostsOf, instanceOf } from '../fleet/fleet.ts';
import type { FleetOptions } from '../fleet/fleet.ts';
import { System } from '../system/system.ts';
import type { LoadBenchOptions } from './load-options.ts';

const RULES = fileURLToPath(new URL('rules.yaml', import.meta.url));
const RING_BYTES_MAX = 64 * 1024;
const TARGETS_PER_INSERT = 10_000;
const CONNECT_MS_MAX = 300_000;
const DRAIN_MS_MAX = 300_000;

/** Everything that a load run runs on. */
export class LoadStage {
  readonly options: LoadBenchOptions;
  readonly fleet: Fleet;
  readonly system: System;
  readonly catcher: PageCatcher;
  /** Of the rule file. */
  readonly rules: number;

  private constructor(
    parts: Pick<LoadStage, 'options' | 'fleet' | 'system' | 'catcher' | 'rules'>,
  ) {
    this.options = parts.options;
    this.fleet = parts.fleet;
    this.system = parts.system;
    this.catcher = parts.catcher;
    this.rules = parts.rules;
  }

  /** Servers, schema, rules, agents and their targets; nobody is dialled yet. */
  static async set(options: LoadBenchOptions, dataDir: string): Promise<LoadStage> {
    mkdirSync(dataDir, { recursive: true });
    const { rules, text } = rulesOf(options.rulesFile ?? RULES);
    const catcher = await PageCatcher.start();
    const fleet = await Fleet.start({ ...fleetOptions(options), port: await freePort() });
    const system = await System.start({
      dataDir: join(dataDir, 'system'),
      natsProgram: options.natsProgram,
      processes: options.processes,
      webhooks: [catcher.url],
      rules: text,
      environment: { ROLLCALL_LOG_LEVEL: 'info' },
      proxied: [],
    });
    const stage = new LoadStage({ options, fleet, system, catcher, rules });
    await stage.#putTargets();
    return stage;
  }

  /** Starts the components; resolves when every agent has been asked for a frame. */
  async connect(): Promise<void> {
    const { fleet, options } = this;
    await this.system.startMembers();
    const deadlineMs = performance.now() + CONNECT_MS_MAX;
    for (;;) {
      const { ticking } = await fleet.status();
      if (ticking === options.agents) return;
      if (performance.now() > deadlineMs) {
        const reason = `only ${ticking} of ${options.agents} agents were ever asked for a frame`;
        throw new RollcallError('not_started', reason);
      }
      await sleep(500);
    }
  }

  /** No more frames are taken; resolves when all are stored for good, or after five minutes. */
  async drain(): Promise<void> {
    const { fleet, system } = this;
    await fleet.setQuiet(true);
    const deadlineMs = performance.now() + DRAIN_MS_MAX;
    while (performance.now() < deadlineMs) {
      const { frames, dropped, unacknowledged } = await fleet.status();
      const isStored = (await countStored(system.store)) >= frames - dropped;
      if (unacknowledged === 0 && isStored && (await countOpen(system.store)) === 0) return;
      await sleep(500);
    }
  }

  async clear(): Promise<void> {
    await this.system.stop();
    await this.fleet.stop();
    await this.catcher.close();
  }

  async #putTargets(): Promise<void> {
    const { fleet, system, options } = this;
    const targets = hostsOf(fleet.options).map(({ index, listen }) => ({
      instance: instanceOf(index),
      address: formatAddress(listen),
      labels: { job: 'sim', rack: String(index % 50) },
      intervalMs: options.intervalMs,
    }));
    for (let at = 0; at < targets.length; at += TARGETS_PER_INSERT) {
      await system.putTargets(targets.slice(at, at + TARGETS_PER_INSERT));
    }
  }
}

/** The fleet of a run, but for where it listens. */
export function fleetOptions(options: LoadBenchOptions): Omit<FleetOptions, 'port'> {
  const { agents, metrics, seed } = options;
  return { agents, source: 'recorded', series: metrics, seed, ringBytesMax: RING_BYTES_MAX };
}

function rulesOf(file: string): { rules: number; text: string } {
  const text = readFileSync(file, 'utf8');
  const { groups, problems } = parseRuleFile(text, file);
  if (problems.length > 0) {
    throw new RollcallError('rules_invalid', problems.map(formatProblem).join('\n'));
  }
  return { rules: groups.reduce((sum, group) => sum + group.rules.length, 0), text };
}
