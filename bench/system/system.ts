import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../cli/node-flags.ts';
import { clickhouseServer } from '../../pipeline/embedded/clickhouse-server.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { natsServer } from '../../pipeline/embedded/nats-server.ts';
import type { ServerSpec } from '../../pipeline/embedded/server-spec.ts';
import { putRuleFiles } from '../../pipeline/rules/rule-store.ts';
import { migrate } from '../../pipeline/store/migrate.ts';
import { Store } from '../../pipeline/store/store.ts';
import { putTargets } from '../../pipeline/targets/target-store.ts';
import type { NewTarget } from '../../pipeline/targets/target-store.ts';
import { Part } from './part.ts';
import { scrape } from './scraped-metrics.ts';
import type { ScrapedMetrics } from './scraped-metrics.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const FLEET_NAME = 'faults';
const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const DAY_MS = 86_400_000;

export type Role = 'collector' | 'writer' | 'alerter';
export const ROLES: readonly Role[] = ['collector', 'writer', 'alerter'];

type Environment = Readonly<Record<string, string>>;

export interface SystemOptions {
  /** Everything that is written lies in it. */
  readonly dataDir: string;
  readonly natsProgram: string;
  readonly processes: Readonly<Record<Role, number>>;
  readonly webhooks: readonly string[];
  readonly rules: string;
  /** Settings of all components, as variables. */
  readonly environment: Environment;
  /** Where a server keeps its data, if not in `dataDir`. */
  readonly natsDir?: string | undefined;
  readonly clickhouseDir?: string | undefined;
  /** Components reach these servers through a proxy. */
  readonly proxied: readonly ('nats' | 'clickhouse')[];
}

/** A process of the centre; `port` is where its metrics are. */
export interface Member {
  readonly role: Role;
  readonly part: Part;
  readonly port: number;
}

/** The system under test: real servers, and the components as processes of the CLI. */
export class System {
  readonly options: SystemOptions;
  readonly nats: Part;
  readonly clickhouse: Part;
  readonly natsPort: number;
  readonly store: Store;
  readonly members: readonly Member[];
  readonly proxies: Readonly<Partial<Record<'nats' | 'clickhouse', TcpProxy>>>;

  private constructor(
    options: SystemOptions,
    ports: Ports,
    proxies: Readonly<Partial<Record<'nats' | 'clickhouse', TcpProxy>>>,
  ) {
    this.options = options;
    this.natsPort = ports.nats;
    this.proxies = proxies;
    const { dataDir, natsProgram: binary } = options;
    const logs = join(dataDir, 'logs');
    mkdirSync(logs, { recursive: true });
    const log = (name: string): string => join(logs, `${name}.log`);
    this.nats = new Part('nats', log('nats'), () =>
      natsServer({ binary, port: ports.nats, dataDir: options.natsDir ?? join(dataDir, 'nats') }),
    );
    this.clickhouse = new Part('clickhouse', log('clickhouse'), () =>
      clickhouseServer({
        httpPort: ports.clickhouse,
        tcpPort: ports.clickhouseTcp,
        dataDir: options.clickhouseDir ?? join(dataDir, 'clickhouse'),
        database: FLEET_NAME,
      }),
    );
    this.store = new Store({
      url: `http://127.0.0.1:${ports.clickhouse}`,
      user: 'default',
      database: FLEET_NAME,
      requestTimeoutMs: 60_000,
    });
    const environment = this.#environment(ports);
    this.members = ports.members.map(({ role, name, port }) => ({
      role,
      port,
      part: new Part(name, log(name), (extra) =>
        componentSpec(role, name, port, { ...environment, ...extra }),
      ),
    }));
  }

  /** Servers, schema and rules; the components come with `startMembers`. */
  static async start(options: SystemOptions): Promise<System> {
    const ports = await portsOf(options);
    const target = { nats: ports.nats, clickhouse: ports.clickhouse };
    const proxies: Partial<Record<'nats' | 'clickhouse', TcpProxy>> = {};
    for (const name of options.proxied) {
      proxies[name] = await TcpProxy.start({ host: '127.0.0.1', port: target[name] });
    }
    const system = new System(options, ports, proxies);
    try {
      await Promise.all([system.nats.start(), system.clickhouse.start()]);
      await migrate(system.store, {
        samplesMs: 7 * DAY_MS,
        framesMs: 3 * DAY_MS,
        rollupMinutesMs: 90 * DAY_MS,
        rollupHoursMs: 1095 * DAY_MS,
      });
      await putRuleFiles(system.store, [{ name: 'faults.yaml', content: options.rules }]);
    } catch (error) {
      await system.stop();
      throw error;
    }
    return system;
  }

  get parts(): readonly Part[] {
    return [this.nats, this.clickhouse, ...this.members.map(({ part }) => part)];
  }

  /** Unless the environment says otherwise, every writer and alerter has one. */
  get lanes(): number {
    const { processes, environment } = this.options;
    const { writer, alerter } = processes;
    return Number(environment['ROLLCALL_NATS_LANES'] ?? Math.max(writer, alerter));
  }

  of(role: Role): readonly Member[] {
    return this.members.filter((member) => member.role === role);
  }

  async putTargets(targets: readonly NewTarget[]): Promise<void> {
    await putTargets(this.store, targets);
  }

  /** All components; each role's first one comes first, and owns what can be owned. */
  async startMembers(environmentOf: (member: Member) => Environment = () => ({})): Promise<void> {
    await Promise.all(this.members.map((member) => member.part.start(environmentOf(member))));
  }

  /** Ends all components in order, and leaves it so. */
  async holdDownMembers(): Promise<void> {
    await Promise.all(this.members.map(({ part }) => part.holdDown('SIGTERM')));
  }

  /** The figures of every living process of a role. */
  async metrics(role: Role): Promise<readonly ScrapedMetrics[]> {
    const all = await Promise.all(this.of(role).map(({ port }) => scrape(port)));
    return all.filter((each) => each !== undefined);
  }

  /** The sum of a metric over the living processes of a role. */
  async sum(role: Role, name: string, label = ''): Promise<number> {
    const all = await this.metrics(role);
    return all.reduce((total, metrics) => total + metrics.sum(name, label), 0);
  }

  async stop(): Promise<void> {
    await this.store.close();
    await Promise.all(this.members.map(({ part }) => part.close()));
    await Promise.all([this.nats.close(), this.clickhouse.close()]);
    await Promise.all(Object.values(this.proxies).map((proxy) => proxy.close()));
  }

  #environment(ports: Ports): Environment {
    const natsPort = this.proxies.nats?.address.port ?? ports.nats;
    const clickhousePort = this.proxies.clickhouse?.address.port ?? ports.clickhouse;
    return {
      ROLLCALL_FLEET: FLEET_NAME,
      ROLLCALL_NATS_SERVERS: `nats://127.0.0.1:${natsPort}`,
      ROLLCALL_NATS_LANES: String(this.lanes),
      ROLLCALL_CLICKHOUSE_URL: `http://127.0.0.1:${clickhousePort}`,
      ROLLCALL_ALERTER_WEBHOOKS: this.options.webhooks.join(','),
      ROLLCALL_CONFIG: '',
      ROLLCALL_SUPERVISED: '1',
      ...this.options.environment,
    };
  }
}

interface Ports {
  readonly nats: number;
  readonly clickhouse: number;
  readonly clickhouseTcp: number;
  readonly members: readonly {
    readonly role: Role;
    readonly name: string;
    readonly port: number;
  }[];
}

async function portsOf({ processes }: SystemOptions): Promise<Ports> {
  const members: { role: Role; name: string; port: number }[] = [];
  for (const role of ROLES) {
    for (let number = 1; number <= processes[role]; number += 1) {
      members.push({ role, name: `${role}-${number}`, port: await freePort() });
    }
  }
  return {
    nats: await freePort(),
    clickhouse: await freePort(),
    clickhouseTcp: await freePort(),
    members,
  };
}

function componentSpec(role: Role, name: string, port: number, env: Environment): ServerSpec {
  return {
    name,
    command: process.execPath,
    args: [...nodeFlags(role), MAIN, role],
    env: {
      ...env,
      ROLLCALL_MEMBER: name,
      [`ROLLCALL_${role.toUpperCase()}_METRICS_LISTEN`]: `127.0.0.1:${port}`,
    },
    stopBy: 'SIGTERM',
    stopTimeoutMs: 5000,
    isReady: () => isAlive(port),
  };
}

/** One that stands by is never ready, but it lives. */
async function isAlive(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(1000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
