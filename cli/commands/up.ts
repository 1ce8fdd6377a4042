import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { join, relative, resolve } from 'node:path';
import { loadConfig, resolveSettings } from '../config/load.ts';
import { addOptions } from '../config/options.ts';
import type { Config } from '../config/settings.ts';
import { OverviewTaker } from '../status/overview.ts';
import type { Overview } from '../status/overview.ts';
import { Dashboard, canDraw } from '../up/dashboard.ts';
import { formatEventLine, formatLine } from '../up/event-line.ts';
import { InstanceLock } from '../up/instance-lock.ts';
import { checkPorts } from '../up/port-check.ts';
import type { ServiceEvent } from '../up/service.ts';
import { environmentOf, portsOf, servicesOf, withEmbeddedServers } from '../up/services.ts';
import type { Snapshot } from '../up/snapshot.ts';
import { Supervisor } from '../up/supervisor.ts';
import { withStore } from '../with-store.ts';

const sections = [
  'general',
  'nats',
  'clickhouse',
  'tls',
  'agent',
  'collector',
  'writer',
  'alerter',
  'up',
] as const;

const OVERVIEW_EVERY_MS = 1000;
const EVENTS_KEPT = 3;

export function command(): Command {
  const command = new Command('up');
  addOptions(command, sections);
  return command.action(async () => {
    const request = { sections, flags: command.opts(), env: process.env };
    const config = withEmbeddedServers(loadConfig(request));
    const environment = environmentOf(resolveSettings(request), config);
    const dataDir = resolve(config.general.dataDir);
    const lock = InstanceLock.acquire(dataDir);
    try {
      await checkPorts(portsOf(config));
      await run(config, dataDir, environment);
    } finally {
      lock.release();
    }
    process.exit();
  });
}

async function run(
  config: Config,
  dataDir: string,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  const events: string[] = [];
  let dashboard: Dashboard | undefined;
  const say = (line: string): void => {
    events.push(line);
    if (events.length > EVENTS_KEPT) events.shift();
    if (dashboard === undefined) process.stderr.write(`${line}\n`);
  };
  const services = await servicesOf(config, dataDir, environment, (name, text) => {
    say(formatLine(Date.now(), name, text));
  });
  const supervisor = new Supervisor(services, {
    onEvent: (event: ServiceEvent) => say(formatEventLine(Date.now(), event)),
  });
  const asked = untilAsked(supervisor);
  const started = supervisor.start();
  await Promise.race([started, asked]);
  const hints = hintsOf(config, dataDir);
  if (canDraw(process.stdout) && !asked.isDone) {
    let latest: Overview | undefined;
    const following = new AbortController();
    const followed = followOverview(config, following.signal, (overview) => (latest = overview));
    dashboard = new Dashboard(process.stdout, () => ({
      ...snapshotOf(latest, supervisor, config),
      hints: [...hints, ...events],
    }));
    dashboard.open();
    await asked;
    dashboard.close();
    dashboard = undefined;
    following.abort();
    await followed;
  } else {
    for (const hint of hints) process.stderr.write(`${hint}\n`);
    await asked;
  }
  say(formatLine(Date.now(), 'up', 'stopping'));
  await supervisor.stop();
}

/** Resolves at the first SIGINT, SIGTERM or SIGHUP; at the second everything is killed. */
function untilAsked(supervisor: Supervisor): Promise<void> & { isDone: boolean } {
  const { promise, resolve: done } = Promise.withResolvers<void>();
  const asked = Object.assign(promise, { isDone: false });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (asked.isDone) supervisor.kill();
      asked.isDone = true;
      done();
    });
  }
  return asked;
}

/** Takes an overview every second, one after the other, until aborted. */
async function followOverview(
  config: Config,
  signal: AbortSignal,
  onOverview: (overview: Overview) => void,
): Promise<void> {
  await withStore(config, async (store) => {
    const taker = new OverviewTaker(config, store);
    while (!signal.aborted) {
      onOverview(await taker.take());
      await sleep(OVERVIEW_EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  });
}

function snapshotOf(
  overview: Overview | undefined,
  supervisor: Supervisor,
  config: Config,
): Omit<Snapshot, 'hints'> {
  return {
    nowMs: Date.now(),
    title: config.general.fleet,
    services: supervisor.services(),
    targetsUp: overview?.targetsUp,
    targetsDown: overview?.targetsDown,
    samplesInPerSecond: overview?.samplesInPerSecond,
    samplesStoredPerSecond: overview?.samplesStoredPerSecond,
    freshnessSeconds: overview?.freshnessSeconds,
    queues: overview?.queues ?? [],
    alerts: overview?.alerts ?? [],
    notifications: overview?.notifications ?? [],
  };
}

/** As somebody who stands in the current folder would write it. */
function shortPath(path: string): string {
  const fromHere = relative('.', path);
  return fromHere.length < path.length ? fromHere : path;
}

function hintsOf({ clickhouse }: Config, dataDir: string): string[] {
  return [
    `query at ${clickhouse.url}/play, for example:`,
    "  SELECT * FROM metric(name = 'node_load1', start = now() - INTERVAL 5 MINUTE, end = now())",
    '  ORDER BY time DESC LIMIT 10',
    `"./rollcall status" sums it up, Ctrl-C stops everything, logs: ${shortPath(join(dataDir, 'logs'))}`,
  ];
}
