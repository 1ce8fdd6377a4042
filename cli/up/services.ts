import { connect } from 'node:net';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { formatAddress } from '../../pipeline/dial/address.ts';
import type { Address } from '../../pipeline/dial/address.ts';
import { clickhouseServer } from '../../pipeline/embedded/clickhouse-server.ts';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServer, natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import type { ServerSpec } from '../../pipeline/embedded/server-spec.ts';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import { formatProblem } from '../../alerter/rules/problem.ts';
import { parseRuleFile } from '../../alerter/rules/rule-file.ts';
import { listRuleFiles, putRuleFiles } from '../../pipeline/rules/rule-store.ts';
import type { RuleFile } from '../../pipeline/rules/rule-store.ts';
import { migrate } from '../../pipeline/store/migrate.ts';
import { listTargets, putTargets } from '../../pipeline/targets/target-store.ts';
import type { Resolved } from '../config/rule.ts';
import type { Config } from '../config/settings.ts';
import { retentionOf } from '../parts.ts';
import { nodeFlags } from '../node-flags.ts';
import { projectRoot } from '../project-root.ts';
import { withStore } from '../with-store.ts';
import { logFileOf } from './log-file.ts';
import type { PortNeed } from './port-check.ts';
import type { Service } from './service.ts';

const MAIN = fileURLToPath(new URL('cli/main.ts', projectRoot));
const CACHE = fileURLToPath(new URL('.cache/', projectRoot));
const DEFAULT_RULES = new URL('alerter/rules/default.yaml', projectRoot);
const COMPONENT_STOP_MS = 4000;
/** One that is there is found sooner. */
const FETCHING_MS = 300;

/** The configuration with NATS and ClickHouse being the ones that `up` runs. */
export function withEmbeddedServers(config: Config): Config {
  return {
    ...config,
    nats: { ...config.nats, servers: [`nats://127.0.0.1:${config.up.natsPort}`] },
    clickhouse: {
      ...config.clickhouse,
      url: `http://127.0.0.1:${config.up.clickhouseHttpPort}`,
      user: 'default',
      password: undefined,
    },
  };
}

export function portsOf({ up, agent, collector, writer, alerter }: Config): PortNeed[] {
  const needs: PortNeed[] = [
    { port: up.natsPort, neededBy: 'nats-server', setting: '--nats-port' },
    {
      port: up.clickhouseHttpPort,
      neededBy: 'ClickHouse (HTTP)',
      setting: '--clickhouse-http-port',
    },
    { port: up.clickhouseTcpPort, neededBy: 'ClickHouse (TCP)', setting: '--clickhouse-tcp-port' },
    { port: agent.listen.port, neededBy: 'the agent', setting: '--agent-listen' },
  ];
  const components = { collector, writer, alerter };
  for (const [name, { metricsListen }] of Object.entries(components)) {
    needs.push({
      port: metricsListen.port,
      neededBy: `the ${name}'s metrics`,
      setting: `--${name}-metrics-listen`,
    });
  }
  return needs;
}

/** Everything `up` runs, in the order of starting. */
export async function servicesOf(
  config: Config,
  dataDir: string,
  environment: Environment,
  say: (name: string, text: string) => void,
): Promise<Service[]> {
  const { up } = config;
  // What a person got wrong is said before anything is started.
  const ownRules = up.rulesFile === undefined ? [] : [readRules(up.rulesFile)];
  const binary = await natsBinary(up.natsServerPath, say);
  const component = (name: ComponentName): ServerSpec => componentSpec(config, name, environment);
  const service = (spec: ServerSpec, extra: Partial<Service> = {}): Service => ({
    spec,
    logFile: logFileOf(dataDir, spec.name),
    ...extra,
  });
  return [
    service(natsServer({ binary, port: up.natsPort, dataDir: join(dataDir, 'nats') })),
    service(
      clickhouseServer({
        httpPort: up.clickhouseHttpPort,
        tcpPort: up.clickhouseTcpPort,
        dataDir: join(dataDir, 'clickhouse'),
        database: config.general.fleet,
      }),
      { readyTimeoutMs: 60_000 },
    ),
    service(component('writer'), { prepare: () => prepareDatabase(config, ownRules, say) }),
    service(component('agent')),
    service(component('alerter'), { onLine: (line) => sayNotification(line, say) }),
    service(component('collector')),
  ];
}

/** The path of a nats-server, which may have to be fetched first. */
async function natsBinary(
  given: string | undefined,
  say: (name: string, text: string) => void,
): Promise<string> {
  const timer = setTimeout(() => {
    say('up', "fetching Debian's nats-server with apt-get, once (4 MB) …");
  }, FETCHING_MS);
  try {
    return await findProgram(natsServerProgram, CACHE, given);
  } finally {
    clearTimeout(timer);
  }
}

type ComponentName = 'agent' | 'collector' | 'writer' | 'alerter';

function componentSpec(config: Config, name: ComponentName, env: Environment): ServerSpec {
  return {
    name,
    command: process.execPath,
    args: [...nodeFlags(name), MAIN, name],
    env,
    stopBy: 'SIGTERM',
    stopTimeoutMs: COMPONENT_STOP_MS,
    isReady: () =>
      name === 'agent' ? accepts(config.agent.listen) : isReady(config[name].metricsListen),
  };
}

/** All settings in force as variables, for the children, which read their configuration as ever. */
export function environmentOf(settings: readonly Resolved[], config: Config): Environment {
  const environment: Record<string, string> = {};
  for (const { named, text } of settings) {
    if (text !== undefined) environment[named.env] = text;
  }
  return {
    ...environment,
    ROLLCALL_NATS_SERVERS: config.nats.servers.join(','),
    ROLLCALL_CLICKHOUSE_URL: config.clickhouse.url,
    ROLLCALL_CLICKHOUSE_USER: config.clickhouse.user,
    ROLLCALL_CLICKHOUSE_PASSWORD: '',
    ROLLCALL_CONFIG: '',
    ROLLCALL_SUPERVISED: '1',
  };
}

type Environment = Readonly<Record<string, string>>;

/** Tables, this host as a target, and rules, before the first process needs them. */
async function prepareDatabase(
  config: Config,
  ownRules: readonly RulesRead[],
  say: (name: string, text: string) => void,
): Promise<void> {
  await withStore(config, async (store) => {
    await migrate(store, retentionOf(config));
    const instance = hostname();
    const address = formatAddress(config.agent.listen);
    const { intervalMs } = config.up;
    const known = (await listTargets(store)).find((target) => target.instance === instance);
    if (known?.address !== address || known.intervalMs !== intervalMs) {
      const labels = { ...known?.labels, job: 'rollcall' };
      await putTargets(store, [{ instance, address, labels, intervalMs }]);
      say('up', `this host is target ${instance}`);
    }
    const isNew = (await listRuleFiles(store)).length === 0;
    const files = [...(isNew ? [readRules(fileURLToPath(DEFAULT_RULES))] : []), ...ownRules];
    await putRuleFiles(store, files);
    for (const { path } of files) say('up', `rules loaded from ${path}`);
  });
}

interface RulesRead extends RuleFile {
  readonly path: string;
}

/** @throws RollcallError `rules_unreadable`, or `rules_invalid` with all problems */
function readRules(path: string): RulesRead {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new RollcallError('rules_unreadable', `--rules-file ${path}: ${reasonOf(cause)}`, {
      cause,
    });
  }
  const { problems } = parseRuleFile(content, path);
  if (problems.length > 0) {
    const found = problems.map(formatProblem).join('\n');
    throw new RollcallError('rules_invalid', `--rules-file: there are problems\n${found}`);
  }
  return { path, name: basename(path), content };
}

/** The alerter's log lines are JSON; what it prints for people is not, and begins with a time of its own. */
export function sayNotification(line: string, say: (name: string, text: string) => void): void {
  if (line !== '' && !line.startsWith('{'))
    say('alert', line.replace(/^[\d-]{2}(:[\d-]{2}){2} /, ''));
}

async function isReady(address: Address): Promise<boolean> {
  try {
    const response = await request(`http://${formatAddress(address)}/readyz`, {
      headersTimeout: 1000,
      reset: true,
    });
    await response.body.dump();
    return response.statusCode === 200;
  } catch {
    return false;
  }
}

function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const answer = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('connect', () => answer(true));
  });
}
