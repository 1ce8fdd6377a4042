import { readFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { Bus } from '../../pipeline/bus/bus.ts';
import { encodeNumbered } from '../../pipeline/bus/numbered-value.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { natsServer } from '../../pipeline/embedded/nats-server.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { ruleTopic } from '../../pipeline/rules/rule-topic.ts';
import { targetTopic } from '../../pipeline/targets/target-topic.ts';
import { encodeTargets } from '../../pipeline/targets/target.ts';
import { pack } from '../../pipeline/wire/msgpack.ts';
import { shardOf, SHARDS } from '../../pipeline/wire/shard.ts';
import { PageCatcher } from '../audit/page-catcher.ts';
import { Part } from '../system/part.ts';
import { scrape } from '../system/scraped-metrics.ts';
import type { ScrapedMetrics } from '../system/scraped-metrics.ts';
import { LaneFeeder } from './lane-feeder.ts';
import { RecordedHosts } from './recorded-hosts.ts';

export interface AlerterStageOptions {
  readonly agents: number;
  readonly series: number;
  readonly intervalMs: number;
  readonly batchMs: number;
  readonly breachesPerSecond: number;
  readonly haveOwnCatalogues: boolean;
  readonly lanes: number;
  readonly rulesFile: string;
  readonly natsProgram: string;
  /** Further flags of the alerter's Node, such as `--cpu-prof`. */
  readonly nodeFlags: readonly string[];
  /** Further settings of the alerter, as variables. */
  readonly environment: Readonly<Record<string, string>>;
}

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const FLEET_NAME = 'bench';
const LANE_BYTES_MAX = 2 * 1024 ** 3;
const LOG_BYTES_MAX = 64 * 1024 ** 2;
const REVISION = 1;

interface Parts {
  readonly dataDir: string;
  readonly nats: Part;
  readonly alerter: Part;
  readonly metricsPort: number;
  readonly bus: Bus;
  readonly feeder: LaneFeeder;
  readonly catcher: PageCatcher;
}

/** A real nats-server whose lanes are filled with recorded frames, and one alerter process that evaluates them. */
export class AlerterStage {
  readonly feeder: LaneFeeder;
  readonly catcher: PageCatcher;
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.feeder = parts.feeder;
    this.catcher = parts.catcher;
  }

  /** The alerter evaluates and the lanes are being filled. @throws RollcallError `server_failed` */
  static async set(options: AlerterStageOptions): Promise<AlerterStage> {
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-alerter-'));
    mkdirSync(join(dataDir, 'nats'));
    const [natsPort, metricsPort] = [await freePort(), await freePort()];
    const nats = new Part('nats', join(dataDir, 'nats.log'), () =>
      natsServer({
        binary: options.natsProgram,
        port: natsPort,
        dataDir: join(dataDir, 'nats'),
      }),
    );
    await nats.start();
    const bus = await busTo(natsPort, options.lanes);
    const { agents: hosts, series, intervalMs, haveOwnCatalogues } = options;
    const recorded = new RecordedHosts({ hosts, series, intervalMs, haveOwnCatalogues });
    await putState(bus, recorded, options.rulesFile);
    const catcher = await PageCatcher.start();
    const alerter = alerterPart(options, { dataDir, natsPort, metricsPort, webhook: catcher.url });
    await alerter.start();
    const feeder = new LaneFeeder(bus, recorded, options);
    feeder.start();
    return new AlerterStage({ dataDir, nats, alerter, metricsPort, bus, feeder, catcher });
  }

  get alerterPid(): number {
    return this.#parts.alerter.pid!;
  }

  get natsPid(): number {
    return this.#parts.nats.pid!;
  }

  async metrics(): Promise<ScrapedMetrics> {
    const metrics = await scrape(this.#parts.metricsPort);
    if (metrics === undefined) throw new RollcallError('server_failed', 'no metrics');
    return metrics;
  }

  async clear(): Promise<void> {
    const { alerter, nats, bus, dataDir } = this.#parts;
    await this.feeder.stop();
    await alerter.holdDown('SIGTERM');
    await alerter.close();
    await bus.close();
    await nats.close();
    await this.catcher.close();
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Targets and rules, where the writer puts them. */
async function putState(bus: Bus, hosts: RecordedHosts, rulesFile: string): Promise<void> {
  const byShard = Map.groupBy(hosts.targets, ({ id }) => shardOf(id));
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const subject = bus.topology.stateSubject(targetTopic.name, String(shard));
    const targets = encodeTargets(byShard.get(shard) ?? []);
    await bus.publish(subject, encodeNumbered(REVISION, targets));
  }
  const rules = pack(['rules.yaml', readFileSync(rulesFile, 'utf8')]);
  const subject = bus.topology.stateSubject(ruleTopic.name, 'rules');
  await bus.publish(subject, encodeNumbered(REVISION, rules));
}

function busTo(port: number, lanes: number): Promise<Bus> {
  return Bus.connect({
    fleet: FLEET_NAME,
    lanes,
    laneBytesMax: LANE_BYTES_MAX,
    logBytesMax: LOG_BYTES_MAX,
    servers: [`nats://127.0.0.1:${port}`],
    duplicateWindowMs: 120_000,
    replicas: 1,
    name: 'bench',
    log: pino({ level: 'silent' }),
  });
}

function alerterPart(
  { nodeFlags, environment, lanes }: AlerterStageOptions,
  at: { dataDir: string; natsPort: number; metricsPort: number; webhook: string },
): Part {
  return new Part('alerter', join(at.dataDir, 'alerter.log'), (extra) => ({
    name: 'alerter',
    command: process.execPath,
    args: [...nodeFlags, MAIN, 'alerter'],
    env: {
      ROLLCALL_FLEET: FLEET_NAME,
      ROLLCALL_MEMBER: 'alerter-1',
      ROLLCALL_CONFIG: '',
      ROLLCALL_SUPERVISED: '1',
      ROLLCALL_NATS_SERVERS: `nats://127.0.0.1:${at.natsPort}`,
      ROLLCALL_NATS_LANES: String(lanes),
      ROLLCALL_NATS_LANE_STREAM_BYTES_MAX: String(LANE_BYTES_MAX),
      ROLLCALL_NATS_LOG_BYTES_MAX: String(LOG_BYTES_MAX),
      ROLLCALL_ALERTER_METRICS_LISTEN: `127.0.0.1:${at.metricsPort}`,
      ROLLCALL_ALERTER_WEBHOOKS: at.webhook,
      ...environment,
      ...extra,
    },
    stopBy: 'SIGTERM',
    stopTimeoutMs: 8000,
    isReady: async () => (await scrape(at.metricsPort)) !== undefined,
  }));
}
