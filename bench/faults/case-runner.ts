import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import type { TlsPaths } from '../../pipeline/dial/tls-files.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { Fleet, hostsOf, instanceOf } from '../fleet/fleet.ts';
import type { FleetOptions } from '../fleet/fleet.ts';
import { SeededRandom } from '../fleet/random.ts';
import { processUsage } from '../process/process-usage.ts';
import { BreachDirector } from './breach-director.ts';
import type { CaseSettings, FaultCase } from './fault-case.ts';
import { FaultRun } from './fault-run.ts';
import { PageCatcher } from '../audit/page-catcher.ts';
import { rulesFor } from './rules.ts';
import { SmallDisk } from './small-disk.ts';
import { countStored } from '../audit/stored-frames.ts';
import { makeCertificates, tlsEnvironment } from '../system/certificates.ts';
import type { RunCertificates } from '../system/certificates.ts';
import { System } from '../system/system.ts';
import type { Role } from '../system/system.ts';
import { TcpProxy } from '../system/tcp-proxy.ts';
import { judge } from './verdict.ts';
import type { CaseReport } from './verdict.ts';

export interface CaseRunOptions {
  readonly dataDir: string;
  readonly natsProgram: string;
  /** Where fetched programs and libraries are kept. */
  readonly cacheDir: string;
  readonly agents: number;
  readonly series: number;
  readonly processes: Readonly<Record<Role, number>>;
  readonly intervalMs: number;
  readonly seed: number;
  readonly isQuick: boolean;
  readonly say: (progress: string) => void;
}

const RING_BYTES_MAX = 1024 * 1024;
const START_MS_MAX = 60_000;
const DRAIN_MS_MAX = 90_000;
const PAGES_MS_MAX = 45_000;
/** A case that has not ended by then never will. */
const CASE_MS_MAX = 15 * 60_000;
const MEASURE_EVERY_MS = 1000;
const WARM_UP_INTERVALS = 5;
/** The count of stored frames must stand still for so long before it is looked at. */
const STILL_MS = 2500;

/** Runs one case on a system of its own, and says what came of it. Never throws for what a case finds. */
export async function runCase(faultCase: FaultCase, options: CaseRunOptions): Promise<CaseReport> {
  const stage = new Stage(faultCase, options);
  const startMs = performance.now();
  const limit = new AbortController();
  try {
    const tooLong = sleep(CASE_MS_MAX, undefined, { signal: limit.signal }).then(() => {
      throw new RollcallError('case_too_long', `not done after ${CASE_MS_MAX / 60_000} minutes`);
    });
    return await Promise.race([stage.play(), tooLong]);
  } catch (error) {
    const { id, title } = faultCase;
    const seconds = (performance.now() - startMs) / 1000;
    // What fails once everything runs is the system's failure.
    const verdict = stage.isSet ? 'does not hold' : 'not run';
    return { id, title, seconds, verdict, findings: [], notes: [reasonOf(error)] };
  } finally {
    limit.abort();
    await stage.clear();
  }
}

/** Everything that one case runs on. */
class Stage {
  readonly #case: FaultCase;
  readonly #options: CaseRunOptions;
  readonly #settings: CaseSettings;
  readonly #cleanUps: (() => Promise<void>)[] = [];
  readonly #startMs = performance.now();
  #isSet = false;

  constructor(faultCase: FaultCase, options: CaseRunOptions) {
    this.#case = faultCase;
    this.#options = options;
    this.#settings = faultCase.settings?.(options) ?? {};
  }

  /** Everything was started, and every agent has been asked for a frame. */
  get isSet(): boolean {
    return this.#isSet;
  }

  async play(): Promise<CaseReport> {
    const run = await this.#set();
    this.#isSet = true;
    const { system, fleet, director } = run;
    const measuring = setInterval(() => {
      for (const part of system.parts) part.measure();
    }, MEASURE_EVERY_MS);
    this.#cleanUps.push(async () => clearInterval(measuring));
    director.start();
    director.repaired();
    await run.intervals(run.either(2, 1) * WARM_UP_INTERVALS);
    const fromMs = Date.now();
    run.say('disturbing');
    await this.#case.disturb(run);
    run.say('waiting for what was broken to be whole');
    await run.intervals(WARM_UP_INTERVALS);
    await director.windUp();
    const endMs = Date.now();
    run.say('waiting for pages');
    await this.#pagesCome(run);
    const fleetCpuNs = fleet.pids.reduce((sum, pid) => sum + processUsage(pid).cpuNs, 0);
    run.say('agents fall silent; what they have said must be stored');
    await fleet.setQuiet(true);
    const isDrained = await this.#drains(run);
    run.say('comparing');
    return judge(run, {
      case: this.#case,
      fromMs,
      endMs,
      isDrained,
      fleetCpuNs,
      startMs: this.#startMs,
    });
  }

  async clear(): Promise<void> {
    for (const cleanUp of this.#cleanUps.toReversed()) {
      await cleanUp().catch((error: unknown) => this.#say(`cleaning up: ${reasonOf(error)}`));
    }
  }

  #say(progress: string): void {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(1);
    this.#options.say(`${this.#case.id} ${seconds.padStart(6)} s: ${progress}`);
  }

  async #set(): Promise<FaultRun> {
    const { seed } = this.#options;
    this.#say(`${this.#case.title}: starting`);
    const random = new SeededRandom(seed);
    const catchers = await this.#catchers();
    const disks = await this.#disks();
    const tls = await this.#certificates();
    const fleet = await this.#fleet(tls?.authority);
    const system = await this.#system(catchers, disks, tls?.collector);
    const agentProxies = await this.#targets(system, fleet);
    await system.startMembers();
    const isTicking = async (): Promise<boolean> =>
      (await fleet.status()).ticking === fleet.options.agents;
    if (!(await comesTrue(START_MS_MAX, isTicking))) {
      const { ticking } = await fleet.status();
      throw new RollcallError('not_started', `only ${ticking} agents were ever asked for a frame`);
    }
    const { reservedAgents = 0, proxiedAgents = 0 } = this.#settings;
    const reserved = Array.from({ length: reservedAgents + proxiedAgents }, (_, index) => index);
    const director = new BreachDirector(fleet, random, this.#options, reserved);
    this.#cleanUps.push(() => director.stop());
    return new FaultRun({
      scale: this.#options,
      random,
      fleet,
      system,
      director,
      agentProxies,
      disks,
      catchers,
      cacheDir: this.#options.cacheDir,
      say: (progress) => this.#say(progress),
    });
  }

  async #certificates(): Promise<RunCertificates | undefined> {
    if (this.#settings.isTls !== true) return undefined;
    return makeCertificates(this.#folder('tls'));
  }

  async #catchers(): Promise<PageCatcher[]> {
    const { furtherReceivers = 0 } = this.#settings;
    const catchers: PageCatcher[] = [];
    for (let i = 0; i <= furtherReceivers; i += 1) {
      const catcher = await PageCatcher.start();
      this.#cleanUps.push(() => catcher.close());
      catchers.push(catcher);
    }
    return catchers;
  }

  async #disks(): Promise<Partial<Record<'nats' | 'clickhouse', SmallDisk>>> {
    const disks: Partial<Record<'nats' | 'clickhouse', SmallDisk>> = {};
    for (const [name, bytes] of Object.entries(this.#settings.disks ?? {})) {
      const disk = await SmallDisk.mount(this.#folder(`disk-${name}`), bytes);
      this.#cleanUps.push(() => disk.unmount());
      disks[name as 'nats' | 'clickhouse'] = disk;
    }
    return disks;
  }

  async #fleet(tls: FleetOptions['tls']): Promise<Fleet> {
    const { agents, series, seed } = this.#options;
    const { ringBytesMax = RING_BYTES_MAX } = this.#settings;
    const port = await freePort();
    const fleet = await Fleet.start({ agents, series, seed, port, ringBytesMax, tls });
    this.#cleanUps.push(() => fleet.stop());
    return fleet;
  }

  async #system(
    catchers: readonly PageCatcher[],
    disks: Partial<Record<'nats' | 'clickhouse', SmallDisk>>,
    tls: TlsPaths | undefined,
  ): Promise<System> {
    const { dataDir, natsProgram, processes, intervalMs } = this.#options;
    const settings = this.#settings;
    const least = settings.processes ?? {};
    const system = await System.start({
      dataDir: join(dataDir, this.#case.id),
      natsProgram,
      processes: {
        collector: Math.max(processes.collector, least.collector ?? 1),
        writer: Math.max(processes.writer, least.writer ?? 1),
        alerter: Math.max(processes.alerter, least.alerter ?? 1),
      },
      webhooks: catchers.map(({ url }) => url),
      rules: rulesFor(intervalMs, settings.isNobodyDown),
      environment: {
        ...tlsEnvironment(tls),
        ...settings.environment,
      },
      natsDir: disks.nats?.folder,
      clickhouseDir: disks.clickhouse?.folder,
      proxied: settings.proxied ?? [],
    });
    this.#cleanUps.push(() => system.stop());
    return system;
  }

  /** The fleet as targets, some behind a proxy. */
  async #targets(system: System, fleet: Fleet): Promise<TcpProxy[]> {
    const hosts = hostsOf(fleet.options);
    const proxies: TcpProxy[] = [];
    for (const { listen } of hosts.slice(0, this.#settings.proxiedAgents ?? 0)) {
      const proxy = await TcpProxy.start(listen);
      this.#cleanUps.push(() => proxy.close());
      proxies.push(proxy);
    }
    await system.putTargets(
      hosts.map(({ index, listen }) => ({
        instance: instanceOf(index),
        address: formatAddress(proxies[index]?.address ?? listen),
        labels: { job: 'sim' },
        intervalMs: this.#options.intervalMs,
      })),
    );
    return proxies;
  }

  /** Waits until every page that is due has come, or too long. */
  async #pagesCome(run: FaultRun): Promise<void> {
    const isComplete = async (): Promise<boolean> => {
      const { episodes } = await run.fleet.ledger();
      const [first] = run.catchers;
      const resolved = first!.pages.filter(({ status }) => status === 'resolved').length;
      return resolved >= episodes.filter(({ toMs }) => toMs !== undefined).length;
    };
    await comesTrue(PAGES_MS_MAX, isComplete);
  }

  /** No frame is taken any more: what was taken must be acknowledged, and then stored. */
  async #drains(run: FaultRun): Promise<boolean> {
    const { fleet, system } = run;
    const isAcknowledged = await comesTrue(
      DRAIN_MS_MAX,
      async () => (await fleet.status()).unacknowledged === 0,
    );
    const isStored = async (): Promise<boolean> => {
      const { frames, dropped } = await fleet.status();
      return (await countStored(system.store)) >= frames - dropped;
    };
    const isWhole = await comesTrue(DRAIN_MS_MAX, isStored);
    let before = -1;
    await comesTrue(DRAIN_MS_MAX, async () => {
      const now = await countStored(system.store);
      const isStill = now === before;
      before = now;
      if (!isStill) await sleep(STILL_MS);
      return isStill;
    });
    return isAcknowledged && isWhole;
  }

  #folder(name: string): string {
    const folder = join(this.#options.dataDir, this.#case.id, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }
}

async function comesTrue(msMax: number, probe: () => Promise<boolean>): Promise<boolean> {
  const deadlineMs = performance.now() + msMax;
  for (;;) {
    if (await probe().catch(() => false)) return true;
    if (performance.now() > deadlineMs) return false;
    await sleep(250);
  }
}
