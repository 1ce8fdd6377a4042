import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { formatProblem } from '../../alerter/rules/problem.ts';
import { parseRuleFile } from '../../alerter/rules/rule-file.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { insertTargets } from '../../pipeline/targets/target-store.ts';
import { seriesKey } from '../../pipeline/wire/catalogue.ts';
import { PageCatcher } from '../audit/page-catcher.ts';
import { countOpen, countStored } from '../audit/stored-frames.ts';
import { INSTANCE_PREFIX } from '../fleet/fleet.ts';
import { describeMachine } from '../load/machine.ts';
import { processUsage } from '../process/process-usage.ts';
import type { Part } from '../system/part.ts';
import { ROLES, System } from '../system/system.ts';
import type { Machine } from '../load/load-report.ts';
import type { History } from './history.ts';
import { OUR_QUERIES, parametersOf } from './our-queries.ts';
import type { PartUsage, Peer, PeerTarget } from './peer.ts';
import type { PeersOptions } from './peers-options.ts';
import { sorted } from './prometheus-api.ts';
import { isOwn } from './question.ts';
import type { Answer, Question } from './question.ts';
import { publishHistory } from './rollcall-backfill.ts';
import { mergeAll, mergesRest } from './rollcall-merge.ts';

const RULES = fileURLToPath(new URL('../load/rules.yaml', import.meta.url));
const TARGETS_PER_INSERT = 10_000;
/** Each look is two queries over all frames, which a drain is charged for. */
const LOOK_EVERY_MS = 5000;
const STORED_MS_MAX = 3_600_000;

interface Row {
  readonly key?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Rollcall with real NATS and ClickHouse, every component a process of its own, thirty rules in force. */
export class Rollcall implements Peer {
  readonly name = 'rollcall';
  readonly speaks = 'rollcall';
  /** What everything runs on; known once it has been started. */
  machine: Machine | undefined;
  readonly #options: PeersOptions;
  readonly #folder: string;
  #running: { readonly system: System; readonly catcher: PageCatcher } | undefined;
  #historyFrames = 0;

  /** @param folder its own; everything that it writes lies in it */
  constructor(options: PeersOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
  }

  get versions(): Readonly<Record<string, string>> {
    return this.machine?.versions ?? {};
  }

  async start(): Promise<void> {
    const { programs, processes } = this.#options;
    const catcher = await PageCatcher.start();
    try {
      const system = await System.start({
        dataDir: this.#folder,
        natsProgram: programs.nats,
        processes,
        webhooks: [catcher.url],
        rules: rules().text,
        environment: { ROLLCALL_LOG_LEVEL: 'info' },
        proxied: [],
      });
      this.#running = { system, catcher };
      await system.startMembers();
      this.machine = await describeMachine(system.store, programs.nats);
    } catch (error) {
      if (this.#running === undefined) await catcher.close();
      throw error;
    }
  }

  async watch(targets: readonly PeerTarget[]): Promise<void> {
    for (let at = 0; at < targets.length; at += TARGETS_PER_INSERT) {
      await this.#system.putTargets(
        targets.slice(at, at + TARGETS_PER_INSERT).map(({ instance, address, labels }) => ({
          instance,
          address: formatAddress(address),
          labels,
          intervalMs: this.#options.intervalMs,
        })),
      );
    }
  }

  usage(): PartUsage[] {
    const { nats, clickhouse } = this.#system;
    return [
      partUsage('nats', [nats]),
      partUsage('clickhouse', [clickhouse]),
      ...ROLES.map((role) =>
        partUsage(
          role,
          this.#system.of(role).map(({ part }) => part),
        ),
      ),
    ];
  }

  samplesStored(): Promise<number> {
    return this.#system.sum('writer', 'rollcall_writer_samples_total');
  }

  /** Until all frames are stored, and then, without components, until ClickHouse has nothing left to merge. */
  async drain(frames: number, idle: ReadonlyMap<string, number>): Promise<number> {
    const system = this.#system;
    const { stillMs } = this.#options;
    // They would go on saying, and have stored and paged, that nobody answers.
    await Promise.all(system.of('collector').map(({ part }) => part.holdDown('SIGTERM')));
    const all = await beyondIdle(
      idle,
      () => this.usage(),
      () => this.#stored(frames),
    );
    // What components say of themselves would be merged for ever.
    await system.holdDownMembers();
    const servers = () =>
      this.usage().filter(({ part }) => part === 'nats' || part === 'clickhouse');
    return all + (await beyondIdle(idle, servers, () => mergesRest(system.store, stillMs)));
  }

  async ask(question: Question): Promise<Answer> {
    const parameters = parametersOf(question, this.#options.intervalMs);
    const rows = await this.#system.store.rows<Row>(OUR_QUERIES[question.kind], parameters);
    const answer = new Map<string, number>();
    for (const { key, name = '', labels = {}, value } of rows) {
      // A label without a value is no label to those who speak PromQL.
      const own = Object.entries(labels).filter(([, text]) => text !== '');
      if (!isOwn(name)) answer.set(key ?? seriesKey(name, sorted(own)), value);
    }
    return answer;
  }

  /** Targets are not dialled yet; batches of frames come as a collector would send them. */
  async load(history: History): Promise<void> {
    await this.start();
    const targets = history.hosts().map(({ instance, labels }) => ({
      instance,
      address: '',
      labels,
      intervalMs: this.#options.intervalMs,
    }));
    await insertTargets(this.#system.store, targets);
    await publishHistory(history, {
      natsPort: this.#system.natsPort,
      say: this.#options.say,
    });
    this.#historyFrames = history.options.hosts * history.ticks;
  }

  async settle(): Promise<void> {
    await this.#stored(this.#historyFrames);
    await mergeAll(this.#system.store);
  }

  /** All tables, those of names and of the ledger too, but for roll-ups and what is thrown away within minutes. */
  diskBytes(): Promise<number> {
    return this.#bytesOf(`NOT startsWith(table, 'rollup_') AND NOT endsWith(table, '_recent')`);
  }

  rollupBytes(): Promise<number> {
    return this.#bytesOf(`startsWith(table, 'rollup_')`);
  }

  async diskSamples(): Promise<number> {
    const [row] = await this.#system.store.rows<{ samples: string }>(
      `SELECT sum(samples) AS samples FROM stored_frames
      WHERE startsWith(dictGet('{database}.targets_by_id', 'instance', target_id), '${INSTANCE_PREFIX}')`,
    );
    return Number(row?.samples ?? 0);
  }

  async #bytesOf(tables: string): Promise<number> {
    const [row] = await this.#system.store.rows<{ bytes: string }>(
      `SELECT sum(bytes_on_disk) AS bytes FROM system.parts
      WHERE active AND database = '{database}' AND ${tables}`,
    );
    return Number(row?.bytes ?? 0);
  }

  async stop(): Promise<void> {
    await this.#running?.system.stop();
    await this.#running?.catcher.close();
  }

  get #system(): System {
    return this.#running!.system;
  }

  /** @throws RollcallError `not_started` if it takes more than an hour */
  async #stored(frames: number): Promise<void> {
    const endMs = performance.now() + STORED_MS_MAX;
    for (;;) {
      const { store } = this.#system;
      const stored = await countStored(store);
      if (stored >= frames && (await countOpen(store)) === 0) return;
      if (performance.now() > endMs) {
        throw new RollcallError('not_started', `only ${stored} of ${frames} frames are stored`);
      }
      await sleep(LOOK_EVERY_MS);
    }
  }
}

/** The rules that are in force, as a text and how many. @throws RollcallError `rules_invalid` */
export function rules(): { readonly text: string; readonly count: number } {
  const text = readFileSync(RULES, 'utf8');
  const { groups, problems } = parseRuleFile(text, RULES);
  if (problems.length > 0) {
    throw new RollcallError('rules_invalid', problems.map(formatProblem).join('\n'));
  }
  return { text, count: groups.reduce((sum, group) => sum + group.rules.length, 0) };
}

function partUsage(name: string, parts: readonly Part[]): PartUsage {
  let [cpuNs, rssBytes] = [0, 0];
  for (const { pid } of parts) {
    if (pid === undefined) continue;
    const usage = processUsage(pid);
    cpuNs += usage.cpuNs;
    rssBytes += usage.rssBytes;
  }
  return { part: name, cpuNs, rssBytes };
}

/** What parts use for something, ns, less what they would have used anyway. */
async function beyondIdle(
  idle: ReadonlyMap<string, number>,
  usage: () => readonly PartUsage[],
  what: () => Promise<unknown>,
): Promise<number> {
  const fromMs = performance.now();
  const before = new Map(usage().map(({ part, cpuNs }) => [part, cpuNs]));
  await what();
  const ms = performance.now() - fromMs;
  return usage().reduce((sum, { part, cpuNs }) => {
    const used = cpuNs - (before.get(part) ?? 0) - (idle.get(part) ?? 0) * ms;
    return sum + Math.max(0, used);
  }, 0);
}
