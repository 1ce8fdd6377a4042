import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatProblem } from '../../alerter/rules/problem.ts';
import { parseRuleFile } from '../../alerter/rules/rule-file.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { SHARDS } from '../../pipeline/wire/shard.ts';
import { PageCatcher } from '../audit/page-catcher.ts';
import { countOpen, countStored } from '../audit/stored-frames.ts';
import { Fleet, hostsOf, instanceOf } from '../fleet/fleet.ts';
import type { FleetOptions } from '../fleet/fleet.ts';
import { processUsage } from '../process/process-usage.ts';
import { tlsEnvironment } from '../system/certificates.ts';
import type { RunCertificates } from '../system/certificates.ts';
import { System } from '../system/system.ts';
import type { Member } from '../system/system.ts';
import type { LoadBenchOptions } from './load-options.ts';

const RULES = fileURLToPath(new URL('rules.yaml', import.meta.url));
const RING_BYTES_MAX = 64 * 1024;
/** A fleet grows by so many at a time: whoever sees that many new catalogues at once measures that for minutes. */
const TARGETS_PER_STEP = 2500;
/** The next ones come when the newest sample that is stored is no older. */
const STEP_FRESHNESS_SECONDS_MAX = 5;
const START_MS_MAX = 60_000;
const STEP_MS_MAX = 120_000;
/** Asking costs ClickHouse something as well. */
const DRAIN_ASK_EVERY_MS = 2000;
const DRAIN_MS_MAX = 300_000;

/** Everything that a load run runs on. */
export class LoadStage {
  readonly options: LoadBenchOptions;
  readonly fleet: Fleet;
  readonly system: System;
  readonly catcher: PageCatcher;
  /** Of the rule file. */
  readonly rules: number;
  /** What the collectors had resident before they had a target. */
  collectorIdleBytes = 0;

  private constructor(
    parts: Pick<LoadStage, 'options' | 'fleet' | 'system' | 'catcher' | 'rules'>,
  ) {
    this.options = parts.options;
    this.fleet = parts.fleet;
    this.system = parts.system;
    this.catcher = parts.catcher;
    this.rules = parts.rules;
  }

  /** Servers, schema, rules and agents; nobody is dialled yet. */
  static async set(
    options: LoadBenchOptions,
    dataDir: string,
    certificates: RunCertificates | undefined,
  ): Promise<LoadStage> {
    const { rules, text } = rulesOf(options.rulesFile ?? RULES);
    const catcher = await PageCatcher.start();
    const tls = certificates?.authority;
    const fleet = await Fleet.start({ ...fleetOptions(options), tls, port: await freePort() });
    const system = await System.start({
      dataDir: join(dataDir, 'system'),
      natsProgram: options.natsProgram,
      processes: options.processes,
      webhooks: [catcher.url],
      rules: text,
      environment: { ROLLCALL_LOG_LEVEL: 'info', ...tlsEnvironment(certificates?.collector) },
      proxied: [],
    });
    return new LoadStage({ options, fleet, system, catcher, rules });
  }

  /** Starts the components and gives them targets, some at a time; resolves when every agent has been asked for a frame. */
  async connect(): Promise<void> {
    const { system } = this;
    await system.startMembers();
    await this.#collectorsOwnAll();
    this.collectorIdleBytes = residentBytes(system.of('collector'));
    await this.#growFleet();
  }

  /** No more frames are taken; resolves when all are stored for good, or after five minutes. */
  async drain(): Promise<void> {
    const { fleet, system } = this;
    await fleet.setQuiet(true);
    const deadlineMs = performance.now() + DRAIN_MS_MAX;
    const comes = async (isTrue: () => Promise<boolean>): Promise<void> => {
      while (performance.now() < deadlineMs && !(await isTrue())) await sleep(DRAIN_ASK_EVERY_MS);
    };
    await comes(async () => {
      const { frames, dropped, unacknowledged } = await fleet.status();
      return unacknowledged === 0 && (await countStored(system.store)) >= frames - dropped;
    });
    // That nobody answers any more would be stored for ever.
    await Promise.all(system.of('collector').map(({ part }) => part.holdDown('SIGTERM')));
    await comes(async () => (await countOpen(system.store)) === 0);
  }

  async clear(): Promise<void> {
    await this.system.stop();
    await this.fleet.stop();
    await this.catcher.close();
  }

  /** All collectors live, and each shard has its own. */
  async #collectorsOwnAll(): Promise<void> {
    const { system, options } = this;
    await comesTrue(START_MS_MAX, async () => {
      const all = await system.metrics('collector');
      const owned = all.map((each) => each.sum('rollcall_parts_owned', 'collector'));
      const total = owned.reduce((sum, each) => sum + each, 0);
      if (total === SHARDS && owned.length === options.processes.collector) return undefined;
      return `${owned.length} collectors have only ${total} of ${SHARDS} shards`;
    });
  }

  async #growFleet(): Promise<void> {
    const { fleet, system, options } = this;
    const targets = hostsOf(fleet.options).map(({ index, listen }) => ({
      instance: instanceOf(index),
      address: formatAddress(listen),
      labels: { job: 'sim', rack: String(index % 50) },
      intervalMs: options.intervalMs,
    }));
    for (let at = 0; at < targets.length; at += TARGETS_PER_STEP) {
      const step = targets.slice(at, at + TARGETS_PER_STEP);
      await system.putTargets(step);
      await this.#stepIsTaken(at + step.length);
      options.say(`connecting: ${at + step.length} of ${targets.length}`);
    }
  }

  async #stepIsTaken(agents: number): Promise<void> {
    const { fleet, system } = this;
    await comesTrue(STEP_MS_MAX, async () => {
      const { ticking } = await fleet.status();
      if (ticking < agents)
        return `only ${ticking} of ${agents} agents were ever asked for a frame`;
      const ages = await system.metrics('writer');
      const age = Math.max(...ages.map((each) => each.sum('rollcall_writer_freshness_seconds')));
      if (age <= STEP_FRESHNESS_SECONDS_MAX) return undefined;
      return `with ${agents} agents, the newest sample that is stored is ${age.toFixed(0)} s old`;
    });
  }
}

/** The fleet of a run, but for where it listens and its certificates. */
export function fleetOptions(options: LoadBenchOptions): Omit<FleetOptions, 'port' | 'tls'> {
  const { agents, metrics: series, catalogues, seed } = options;
  return { agents, source: 'recorded', series, catalogues, seed, ringBytesMax: RING_BYTES_MAX };
}

/** @param missing what is not yet as it should be; nothing if all is */
async function comesTrue(msMax: number, missing: () => Promise<string | undefined>): Promise<void> {
  const deadlineMs = performance.now() + msMax;
  for (;;) {
    const reason = await missing();
    if (reason === undefined) return;
    if (performance.now() > deadlineMs) throw new RollcallError('not_started', reason);
    await sleep(500);
  }
}

function residentBytes(members: readonly Member[]): number {
  const pids = members.flatMap(({ part }) => part.pid ?? []);
  return pids.reduce((total, pid) => total + processUsage(pid).rssBytes, 0);
}

function rulesOf(file: string): { rules: number; text: string } {
  const text = readFileSync(file, 'utf8');
  const { groups, problems } = parseRuleFile(text, file);
  if (problems.length > 0) {
    throw new RollcallError('rules_invalid', problems.map(formatProblem).join('\n'));
  }
  return { rules: groups.reduce((sum, group) => sum + group.rules.length, 0), text };
}
