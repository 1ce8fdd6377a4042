import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sourceNames, type SourceName } from '../../agent/source-names.ts';
import type { HostPaths } from '../../agent/source.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { startAgent, type AgentProcess, type AgentProcessOptions } from './agent-process.ts';
import { compare, lasting, type Comparison, type Finding } from './comparison.ts';
import { measureCost, type CostReport } from './cost.ts';
import { readExposition, type TextSeries } from './exposition-reader.ts';
import { startNodeExporter } from './node-exporter.ts';

const HOST: HostPaths = { procfs: '/proc', sysfs: '/sys', rootfs: '/' };
/** A scrape reads the agent's sources again only after this long. */
const READING_FRESH_MS = 1100;
/** A disturbance may spoil a comparison, but not every one of so many. */
const COMPARISONS_MAX = 4;

export interface AgentBenchOptions {
  /** Builds the agent into the folder and returns the program that starts it. */
  readonly build: (folder: string) => Promise<string>;
  readonly nodeExporter: string;
  readonly ticks: number;
  readonly intervalMs: number;
  readonly soakTicks: number;
  readonly say: (progress: string) => void;
}

export interface AgentBenchReport extends CostReport {
  readonly comparison: {
    readonly agreed: number;
    readonly explained: number;
    readonly unexplained: readonly Finding[];
  };
}

/** The agent as it is shipped, beside node_exporter with the same collectors, on this machine. */
export async function benchAgent(options: AgentBenchOptions): Promise<AgentBenchReport> {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-bench-'));
  try {
    options.say('building the agent');
    const program = await options.build(folder);
    const env = { ROLLCALL_NODE: tracingNode(folder) };
    const comparison = await compareOnHost({ ...options, command: [program], env, host: HOST });
    const cost = await benchCost(options, program, env);
    return {
      ...cost,
      comparison: {
        agreed: comparison.agreed,
        explained: comparison.explained.length,
        unexplained: comparison.unexplained,
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A Node that tells of its garbage, for the program that starts the agent to use. */
function tracingNode(folder: string): string {
  const path = join(folder, 'tracing-node');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' --trace-gc "$@"\n`, { mode: 0o755 });
  return path;
}

async function benchCost(
  options: AgentBenchOptions,
  program: string,
  env: Readonly<Record<string, string>>,
): Promise<CostReport> {
  const collectors = comparedSources();
  const agent = await startAgent({
    command: [program],
    env,
    flags: ['--profile=full', `--sources=${collectors.join(',')}`],
  });
  try {
    const nodeExporter = await startNodeExporter({
      binary: options.nodeExporter,
      collectors,
      host: HOST,
      env: { GODEBUG: 'gctrace=1' },
    });
    try {
      return await measureCost({ ...options, agent, nodeExporter });
    } finally {
      await nodeExporter.server.stop();
    }
  } finally {
    await agent.server.stop();
  }
}

/** All sources but the one that needs a systemd which node_exporter reaches in another way. */
export function comparedSources(): SourceName[] {
  return sourceNames.filter((name) => name !== 'systemd');
}

export interface HostComparisonOptions {
  readonly command: AgentProcessOptions['command'];
  readonly env?: AgentProcessOptions['env'];
  readonly nodeExporter: string;
  readonly host: HostPaths;
  readonly sources?: readonly SourceName[];
  readonly profile?: 'standard' | 'full';
  readonly textfileDirectory?: string;
  readonly say: (progress: string) => void;
}

/** Compares what both say of one host; what is unexplained differs in every one of several tries. */
export async function compareOnHost(options: HostComparisonOptions): Promise<Comparison> {
  const { host, sources = comparedSources(), profile = 'full', textfileDirectory } = options;
  const agent = await startAgent({
    command: options.command,
    ...(options.env !== undefined && { env: options.env }),
    flags: [
      `--profile=${profile}`,
      `--sources=${sources.join(',')}`,
      `--path-procfs=${host.procfs}`,
      `--path-sysfs=${host.sysfs}`,
      `--path-rootfs=${host.rootfs}`,
      ...(textfileDirectory === undefined ? [] : [`--textfile-directories=${textfileDirectory}`]),
    ],
  });
  try {
    const peer = await startNodeExporter({
      binary: options.nodeExporter,
      collectors: sources,
      host,
      ...(textfileDirectory !== undefined && { textfileDirectory: [textfileDirectory] }),
    });
    try {
      return await compareRepeatedly(options, agent, peer.url);
    } finally {
      await peer.server.stop();
    }
  } finally {
    await agent.server.stop();
  }
}

async function compareRepeatedly(
  options: HostComparisonOptions,
  agent: AgentProcess,
  peerUrl: string,
): Promise<Comparison> {
  // What is asked for in the background is in the second reading.
  await scrape(agent.metricsUrl);
  const comparisons: Comparison[] = [];
  for (let round = 1; round <= COMPARISONS_MAX; round += 1) {
    options.say(`comparing what both say, round ${round}`);
    await sleep(READING_FRESH_MS);
    const before = await scrape(peerUrl);
    const ours = await scrape(agent.metricsUrl);
    const after = await scrape(peerUrl);
    comparisons.push(compare(before, ours, after, options.profile ?? 'full'));
    if (lasting(comparisons).length === 0) break;
  }
  return { ...comparisons.at(-1)!, unexplained: lasting(comparisons) };
}

async function scrape(url: string): Promise<ReadonlyMap<string, TextSeries>> {
  const response = await fetch(url, { headers: { accept: 'text/plain' } });
  if (!response.ok) throw new RollcallError('scrape_failed', `${url} answers ${response.status}`);
  return readExposition(await response.text());
}
