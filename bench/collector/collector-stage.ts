import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { Bus } from '../../pipeline/bus/bus.ts';
import { encodeNumbered } from '../../pipeline/bus/numbered-value.ts';
import { formatAddress } from '../../pipeline/dial/address.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { natsServer } from '../../pipeline/embedded/nats-server.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { targetTopic } from '../../pipeline/targets/target-topic.ts';
import { encodeTargets } from '../../pipeline/targets/target.ts';
import { shardOf, SHARDS, targetId } from '../../pipeline/wire/shard.ts';
import { Fleet, hostsOf, instanceOf } from '../fleet/fleet.ts';
import { Part } from '../system/part.ts';
import { scrape } from '../system/scraped-metrics.ts';
import type { ScrapedMetrics } from '../system/scraped-metrics.ts';
import { LaneDrain } from './lane-drain.ts';

export interface CollectorStageOptions {
  readonly agents: number;
  readonly series: number;
  readonly intervalMs: number;
  readonly workers: number;
  readonly lanes: number;
  readonly natsProgram: string;
  /** Further flags of the collector's Node, such as `--cpu-prof`. */
  readonly nodeFlags: readonly string[];
  /** Further settings of the collector, as variables. */
  readonly environment: Readonly<Record<string, string>>;
}

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const FLEET_NAME = 'bench';
const LANE_BYTES_MAX = 2 * 1024 ** 3;
const LOG_BYTES_MAX = 64 * 1024 ** 2;
const RING_BYTES_MAX = 64 * 1024;
const CONNECT_MS_MAX = 180_000;
/** The writer and the alerter. */
const READERS = 2;

/** A real nats-server, simulated agents, one collector process, and readers of the lanes. */
export class CollectorStage {
  readonly fleet: Fleet;
  readonly #options: CollectorStageOptions;
  readonly #dataDir: string;
  readonly #nats: Part;
  readonly #collector: Part;
  readonly #metricsPort: number;
  readonly #bus: Bus;
  readonly #drains: readonly LaneDrain[];
  #revision = 0;

  private constructor(
    options: CollectorStageOptions,
    parts: {
      dataDir: string;
      fleet: Fleet;
      nats: Part;
      collector: Part;
      metricsPort: number;
      bus: Bus;
      drains: readonly LaneDrain[];
    },
  ) {
    this.#options = options;
    this.#dataDir = parts.dataDir;
    this.fleet = parts.fleet;
    this.#nats = parts.nats;
    this.#collector = parts.collector;
    this.#metricsPort = parts.metricsPort;
    this.#bus = parts.bus;
    this.#drains = parts.drains;
  }

  /** Everything runs, and no agent is dialled yet. @throws RollcallError `server_failed`, `fleet_failed` */
  static async set(options: CollectorStageOptions): Promise<CollectorStage> {
    const { agents, series, natsProgram: binary } = options;
    const dataDir = mkdtempSync(join(tmpdir(), 'rollcall-collector-'));
    mkdirSync(join(dataDir, 'nats'));
    const [natsPort, metricsPort] = [await freePort(), await freePort()];
    const nats = new Part('nats', join(dataDir, 'nats.log'), () =>
      natsServer({ binary, port: natsPort, dataDir: join(dataDir, 'nats') }),
    );
    await nats.start();
    const bus = await busTo(natsPort, options);
    const fleet = await Fleet.start({
      agents,
      source: 'recorded',
      series,
      seed: 1,
      ringBytesMax: RING_BYTES_MAX,
      port: await freePort(),
    });
    const collector = collectorPart(options, dataDir, natsPort, metricsPort);
    await collector.start();
    const drains = Array.from(
      { length: READERS },
      (_, reader) => new LaneDrain(bus, { trims: reader === 0 }),
    );
    const parts = { dataDir, fleet, nats, collector, metricsPort, bus, drains };
    return new CollectorStage(options, parts);
  }

  get collectorPid(): number {
    return this.#collector.pid!;
  }

  get natsPid(): number {
    return this.#nats.pid!;
  }

  /** Makes the first `count` agents targets; resolves when each has been asked for a frame. */
  async connect(count: number): Promise<void> {
    this.#revision += 1;
    const { intervalMs } = this.#options;
    const targets = hostsOf(this.fleet.options)
      .slice(0, count)
      .map(({ index, listen }) => ({
        id: targetId(instanceOf(index)),
        instance: instanceOf(index),
        address: formatAddress(listen),
        labels: {},
        intervalMs,
      }));
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const own = targets.filter(({ id }) => shardOf(id) === shard);
      const subject = this.#bus.topology.stateSubject(targetTopic.name, String(shard));
      await this.#bus.publish(subject, encodeNumbered(this.#revision, encodeTargets(own)));
    }
    const deadlineMs = performance.now() + CONNECT_MS_MAX + 2 * intervalMs;
    while ((await this.fleet.status()).ticking < count) {
      if (performance.now() > deadlineMs) {
        throw new RollcallError('not_started', `not all of ${count} agents were dialled`);
      }
      await sleep(200);
    }
  }

  async metrics(): Promise<ScrapedMetrics> {
    const metrics = await scrape(this.#metricsPort);
    if (metrics === undefined) throw new RollcallError('server_failed', 'no metrics');
    return metrics;
  }

  async clear(): Promise<void> {
    await this.#collector.holdDown('SIGTERM');
    await this.#collector.close();
    await this.fleet.stop();
    for (const drain of this.#drains) drain.stop();
    await this.#bus.close();
    await this.#nats.close();
    rmSync(this.#dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}

function busTo(port: number, { lanes }: CollectorStageOptions): Promise<Bus> {
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

function collectorPart(
  { nodeFlags, environment, lanes, workers }: CollectorStageOptions,
  dataDir: string,
  natsPort: number,
  metricsPort: number,
): Part {
  return new Part('collector', join(dataDir, 'collector.log'), (extra) => ({
    name: 'collector',
    command: process.execPath,
    args: [...nodeFlags, MAIN, 'collector'],
    env: {
      ROLLCALL_FLEET: FLEET_NAME,
      ROLLCALL_MEMBER: 'collector-1',
      ROLLCALL_CONFIG: '',
      ROLLCALL_SUPERVISED: '1',
      ROLLCALL_NATS_SERVERS: `nats://127.0.0.1:${natsPort}`,
      ROLLCALL_NATS_LANES: String(lanes),
      ROLLCALL_NATS_LANE_STREAM_BYTES_MAX: String(LANE_BYTES_MAX),
      ROLLCALL_NATS_LOG_BYTES_MAX: String(LOG_BYTES_MAX),
      ROLLCALL_COLLECTOR_WORKERS: String(workers),
      ROLLCALL_COLLECTOR_METRICS_LISTEN: `127.0.0.1:${metricsPort}`,
      ...environment,
      ...extra,
    },
    stopBy: 'SIGTERM',
    stopTimeoutMs: 8000,
    isReady: async () => (await scrape(metricsPort)) !== undefined,
  }));
}
