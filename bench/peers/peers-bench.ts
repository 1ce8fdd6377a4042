import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LastWill } from '../faults/last-will.ts';
import type { Machine } from '../load/load-report.ts';
import { difference } from './answer-comparison.ts';
import { History } from './history.ts';
import { historyStage } from './history-stage.ts';
import { ingestStage } from './ingest-stage.ts';
import { PEERS } from './peer.ts';
import type { Peer, PeerName } from './peer.ts';
import type { PeersOptions } from './peers-options.ts';
import type { PeerReport, PeersReport } from './peers-report.ts';
import { Prometheus } from './prometheus.ts';
import type { Answer } from './question.ts';
import { Rollcall, rules } from './rollcall.ts';
import { VictoriaMetrics } from './victoria-metrics.ts';

/** Below this share of what targets said, a system has left too much out to be compared. */
const STORED_SHARE_MIN = 0.98;

type Answers = ReadonlyMap<string, Answer>;

/** What has been found so far. */
interface Findings {
  readonly peers: Map<PeerName, PeerReport>;
  readonly answers: Map<PeerName, Answers>;
  readonly problems: string[];
  readonly versions: Map<string, string>;
  machine: Machine | undefined;
}

/**
 * Runs Prometheus, VictoriaMetrics and Rollcall one after the other on the same fleet and the same history.
 *
 * @throws RollcallError `not_started`, `server_failed`, `fleet_failed`, `backfill_failed`, `query_failed`
 */
export async function benchPeers(options: PeersOptions): Promise<PeersReport> {
  const { keepIn } = options;
  const dataDir = keepIn ?? mkdtempSync(join(tmpdir(), 'rollcall-peers-'));
  const removal = keepIn === undefined ? new LastWill('sleep 1; rm -rf "$1"', dataDir) : undefined;
  const findings: Findings = {
    peers: new Map(),
    answers: new Map(),
    problems: [],
    versions: new Map(),
    machine: undefined,
  };
  try {
    const history = historyOf(options);
    for (const name of PEERS) await examine(name, history, join(dataDir, name), options, findings);
    compareAnswers(findings);
    return reportOf(options, findings);
  } finally {
    await removal?.execute();
  }
}

/** Ends a moment ago, at a multiple of the interval. */
function historyOf(options: PeersOptions): History {
  const { historyHosts, historyMs, metrics, intervalMs, seed } = options;
  const endMs = Math.floor(Date.now() / intervalMs) * intervalMs;
  return new History({
    hosts: historyHosts,
    metrics,
    intervalMs,
    durationMs: historyMs,
    endMs,
    seed,
  });
}

async function examine(
  name: PeerName,
  history: History,
  folder: string,
  options: PeersOptions,
  findings: Findings,
): Promise<void> {
  const { stages, keepIn } = options;
  if (stages.has('ingest')) {
    const ingestFolder = join(folder, 'ingest');
    const peer = peerOf(name, options, ingestFolder);
    const ingest = await ingestStage(peer, options);
    if (keepIn === undefined) rmSync(ingestFolder, { recursive: true, force: true });
    note(findings, peer, { ingest });
  }
  if (stages.has('disk') || stages.has('queries')) {
    const peer = peerOf(name, options, join(folder, 'history'));
    const { disk, queries } = await historyStage(peer, history, options);
    note(findings, peer, { disk, ...(queries !== undefined && { queries: queries.report }) });
    if (queries === undefined) return;
    findings.answers.set(name, queries.answers);
    findings.problems.push(...queries.problems);
  }
}

function note(findings: Findings, peer: Peer, found: PeerReport): void {
  const { peers, problems, versions } = findings;
  peers.set(peer.name, { ...peers.get(peer.name), ...found });
  for (const [program, version] of Object.entries(peer.versions)) versions.set(program, version);
  if (peer instanceof Rollcall) findings.machine = peer.machine;
  const { ingest, disk } = found;
  if (ingest !== undefined) {
    const share = ingest.samples_stored / ingest.samples_expected;
    if (share < STORED_SHARE_MIN) {
      problems.push(`${peer.name}: only ${(100 * share).toFixed(1)}% of the samples are stored`);
    }
  }
  if (disk !== undefined && disk.samples_stored !== disk.samples) {
    const counts = `${disk.samples_stored} of ${disk.samples}`;
    problems.push(`${peer.name}: ${counts} samples of the history are stored`);
  }
}

function peerOf(name: PeerName, options: PeersOptions, folder: string): Peer {
  mkdirSync(folder, { recursive: true });
  if (name === 'prometheus') return new Prometheus(options, folder);
  if (name === 'victoria-metrics') return new VictoriaMetrics(options, folder);
  return new Rollcall(options, folder);
}

/** All against the first. */
function compareAnswers({ answers, problems }: Findings): void {
  const [[firstName, first] = [], ...others] = answers;
  for (const [name, theirs] of others) {
    for (const [question, expected] of first ?? []) {
      const what = difference(expected, theirs.get(question) ?? new Map());
      if (what !== undefined)
        problems.push(`${question}: ${name} and ${firstName} differ: ${what}`);
      else if (expected.size === 0) problems.push(`${question}: no system has an answer`);
    }
  }
}

function reportOf(options: PeersOptions, findings: Findings): PeersReport {
  const { peers, problems, versions, machine } = findings;
  const reports = PEERS.map((name) => [name, peers.get(name) ?? {}] as const);
  return {
    machine: machine!,
    versions: Object.fromEntries(versions),
    targets: options.targets,
    metrics: options.metrics,
    interval_ms: options.intervalMs,
    seconds: options.seconds,
    warm_up_seconds: options.warmUpSeconds,
    history_hosts: options.historyHosts,
    history_hours: options.historyMs / 3_600_000,
    rules: rules().count,
    stages: [...options.stages],
    peers: Object.fromEntries(reports) as Record<PeerName, PeerReport>,
    problems,
  };
}
