import { once } from 'node:events';
import { Agent as HttpAgent, get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { ChildServer } from '../../pipeline/embedded/child-server.ts';
import { goGarbage, v8Garbage, type GarbageLine } from '../process/collected-garbage.ts';
import { processUsage } from '../process/process-usage.ts';
import type { AgentProcess } from './agent-process.ts';
import { readExposition } from './exposition-reader.ts';
import { kernelFloor, type KernelFloor } from './kernel-floor.ts';
import { Subscriber } from './subscriber.ts';

/** Ticks before the measured ones, in which code is compiled and files are opened. */
const WARM_UP_TICKS = 150;
const WARM_UP_INTERVAL_MS = 20;
/** As fast as the protocol allows. */
const SOAK_INTERVAL_MS = 10;
const SOAK_READINGS = 10;

/** What reading one host costs a process. */
export interface Cost {
  readonly series: number;
  readonly cpu_us_per_tick: number;
  readonly rss_bytes: number;
  readonly anon_bytes: number;
  /** The agent's frame; the peer's text, compressed as Prometheus asks for it. */
  readonly wire_bytes_per_tick: number;
  /** What the collector of garbage freed, as its trace tells; 0 if it never had to run. */
  readonly garbage_bytes_per_tick: number;
}

export interface Soak {
  readonly ticks: number;
  /** Anonymous memory after each tenth of the ticks. */
  readonly anon_bytes: readonly number[];
  readonly garbage_bytes_per_tick: number;
}

export interface CostReport {
  readonly ticks: number;
  readonly interval_ms: number;
  readonly agent: Cost;
  readonly node_exporter: Cost;
  /** CPU of a series-reading, the agent's over the peer's. */
  readonly ratio: number;
  /** What the agent's kernel files cost whoever reads them and looks at nothing. */
  readonly kernel_floor: {
    readonly files: number;
    /** In a tight loop. */
    readonly warm_cpu_us_per_tick: number;
    /** At the interval of the measured ticks. */
    readonly paced_cpu_us_per_tick: number;
  };
  readonly soak: Soak;
}

export interface CostOptions {
  readonly agent: AgentProcess;
  readonly nodeExporter: { readonly server: ChildServer; readonly url: string };
  readonly ticks: number;
  readonly intervalMs: number;
  readonly soakTicks: number;
  readonly say: (progress: string) => void;
}

/** Runs both at the same interval at the same time, then the agent alone as fast as it can. */
export async function measureCost(options: CostOptions): Promise<CostReport> {
  const { agent, nodeExporter, ticks, intervalMs, say } = options;
  const scrape = scraper(nodeExporter.url);
  const garbage = {
    agent: new GarbageCount(agent.server, v8Garbage),
    peer: new GarbageCount(nodeExporter.server, goGarbage),
  };
  say(`warming up: ${WARM_UP_TICKS} ticks`);
  await subscribed(agent.port, WARM_UP_INTERVAL_MS, WARM_UP_TICKS);
  for (let i = 0; i < WARM_UP_TICKS; i += 1) await scrape();

  say(
    `measuring: ${ticks} ticks every ${intervalMs} ms, ${Math.round((ticks * intervalMs) / 1000)} s`,
  );
  const [ours, peers] = await Promise.all([
    measureAgent(agent, ticks, intervalMs, garbage.agent),
    measurePeer(nodeExporter.server, scrape, ticks, intervalMs, garbage.peer),
  ]);
  say('reading the same kernel files without looking at them');
  const floor: KernelFloor = await kernelFloor(agent.server.pid!, intervalMs);
  const soak = await soakAgent(options, garbage.agent);
  return {
    ticks,
    interval_ms: intervalMs,
    agent: ours,
    node_exporter: peers,
    ratio: ours.cpu_us_per_tick / ours.series / (peers.cpu_us_per_tick / peers.series),
    kernel_floor: {
      files: floor.files,
      warm_cpu_us_per_tick: floor.warmCpuUs,
      paced_cpu_us_per_tick: floor.pacedCpuUs,
    },
    soak,
  };
}

async function measureAgent(
  { server, port }: AgentProcess,
  ticks: number,
  intervalMs: number,
  garbage: GarbageCount,
): Promise<Cost> {
  const subscriber = new Subscriber(port, intervalMs);
  await subscriber.until(2);
  const [frames, bytes] = [subscriber.frames, subscriber.frameBytes];
  const [before, garbageBefore] = [processUsage(server.pid!), garbage.bytes];
  await subscriber.until(frames + ticks);
  const after = processUsage(server.pid!);
  const measured = subscriber.frames - frames;
  subscriber.close();
  return {
    series: subscriber.series,
    cpu_us_per_tick: (after.cpuNs - before.cpuNs) / 1000 / measured,
    rss_bytes: after.rssBytes,
    anon_bytes: after.anonBytes,
    wire_bytes_per_tick: (subscriber.frameBytes - bytes) / measured,
    garbage_bytes_per_tick: (garbage.bytes - garbageBefore) / measured,
  };
}

async function measurePeer(
  server: ChildServer,
  scrape: Scraper,
  ticks: number,
  intervalMs: number,
  garbage: GarbageCount,
): Promise<Cost> {
  let [wireBytes, series] = [0, 0];
  const [before, garbageBefore] = [processUsage(server.pid!), garbage.bytes];
  const startMs = performance.now();
  for (let tick = 1; tick <= ticks; tick += 1) {
    const got = await scrape();
    wireBytes += got.wireBytes;
    series = got.series;
    await sleep(Math.max(0, startMs + tick * intervalMs - performance.now()));
  }
  const after = processUsage(server.pid!);
  return {
    series,
    cpu_us_per_tick: (after.cpuNs - before.cpuNs) / 1000 / ticks,
    rss_bytes: after.rssBytes,
    anon_bytes: after.anonBytes,
    wire_bytes_per_tick: wireBytes / ticks,
    garbage_bytes_per_tick: (garbage.bytes - garbageBefore) / ticks,
  };
}

async function soakAgent(
  { agent, soakTicks, say }: CostOptions,
  garbage: GarbageCount,
): Promise<Soak> {
  say(`soaking the agent: ${soakTicks} ticks every ${SOAK_INTERVAL_MS} ms`);
  const subscriber = new Subscriber(agent.port, SOAK_INTERVAL_MS);
  const garbageBefore = garbage.bytes;
  const anonBytes: number[] = [];
  for (let reading = 1; reading <= SOAK_READINGS; reading += 1) {
    await subscriber.until(Math.round((soakTicks * reading) / SOAK_READINGS));
    anonBytes.push(processUsage(agent.server.pid!).anonBytes);
  }
  subscriber.close();
  return {
    ticks: soakTicks,
    anon_bytes: anonBytes,
    garbage_bytes_per_tick: (garbage.bytes - garbageBefore) / soakTicks,
  };
}

async function subscribed(port: number, intervalMs: number, frames: number): Promise<void> {
  const subscriber = new Subscriber(port, intervalMs);
  await subscriber.until(frames);
  subscriber.close();
}

type Scraper = () => Promise<{ wireBytes: number; series: number }>;

/** Scrapes as Prometheus does: over one connection, compressed. Counts readings of the host. */
function scraper(url: string): Scraper {
  const agent = new HttpAgent({ keepAlive: true });
  return async () => {
    const request = get(url, { agent, headers: { 'accept-encoding': 'gzip' } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    const compressed = await buffer(response);
    const series = readExposition(gunzipSync(compressed).toString()).values();
    const ofHost = [...series].filter(({ name }) => !name.startsWith('node_scrape_collector_'));
    return { wireBytes: compressed.length, series: ofHost.length };
  };
}

/** Adds up what a process' trace says was freed. */
class GarbageCount {
  bytes = 0;

  constructor(server: ChildServer, garbageOf: GarbageLine) {
    for (const input of [server.child.stdout!, server.child.stderr!]) {
      createInterface({ input }).on('line', (line) => {
        this.bytes += garbageOf(line) ?? 0;
      });
    }
  }
}
