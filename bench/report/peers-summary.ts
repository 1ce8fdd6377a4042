import { bytes, count, MISSING, short } from '../../cli/up/quantity.ts';
import { PEERS } from '../peers/peer.ts';
import type { PeerName } from '../peers/peer.ts';
import type { PartReport, PeerReport, PeersReport } from '../peers/peers-report.ts';
import { QUESTIONS } from '../peers/question.ts';
import type { QuestionKind } from '../peers/question.ts';
import { cpuMicros, milliseconds, percent } from './load-summary.ts';
import type { Check } from './load-summary.ts';

/*
 * What a comparison says, in words and in the order of both its page and its table.
 */

export const NAMES: Readonly<Record<PeerName, string>> = {
  prometheus: 'Prometheus',
  'victoria-metrics': 'VictoriaMetrics',
  rollcall: 'Rollcall',
};

/** The systems that Rollcall is held against. */
export const OTHERS = PEERS.filter((name) => name !== 'rollcall');

/** One figure of all systems. */
export interface Figure {
  readonly label: string;
  /** By system, in the order of `PEERS`. */
  readonly texts: readonly string[];
  /** How many times Rollcall's figure each of `OTHERS` is; undefined where that says nothing. */
  readonly ratios: readonly (number | undefined)[];
}

export interface FigureGroup {
  readonly title: string;
  readonly figures: readonly Figure[];
}

const QUESTION_LABELS: Readonly<Record<QuestionKind, string>> = {
  range: 'one metric of one host, 1 h',
  top: 'one metric of all hosts now, top 10',
  host: 'all metrics of one host now',
  average: 'average by label over 1 h',
};

/** `5,000 targets × 200 metrics every 5 s` */
export function fleetOf({ targets, metrics, interval_ms: intervalMs }: PeersReport): string {
  return `${count(targets)} targets × ${count(metrics)} metrics every ${milliseconds(intervalMs)}`;
}

export function stagesOf(report: PeersReport): string[] {
  const { stages, seconds, warm_up_seconds: warmUp, rules } = report;
  const hosts = `${count(report.history_hosts)} hosts × ${hours(report.history_hours)} of history`;
  return [
    'one system after the other',
    ...(stages.includes('ingest') ? [`${seconds} s measured after ${warmUp} s of warm-up`] : []),
    ...(stages.includes('disk') || stages.includes('queries') ? [hosts] : []),
    `${rules} rules in Rollcall, none in the others`,
  ];
}

export function verdictOf({ problems, stages }: PeersReport): Pick<Check, 'label' | 'tone'> {
  if (problems.length > 0) {
    const label = `${count(problems.length)} ${problems.length === 1 ? 'problem' : 'problems'}`;
    return { label, tone: 'bad' };
  }
  const label = stages.includes('queries')
    ? 'every sample kept, every answer the same'
    : 'every sample kept';
  return { label, tone: 'good' };
}

/** Stages that were not asked for are left out. */
export function figuresOf(report: PeersReport): FigureGroup[] {
  const { stages } = report;
  return [
    ...(stages.includes('ingest') ? [ingestFigures(report)] : []),
    ...(stages.includes('disk') ? [diskFigures(report)] : []),
    ...(stages.includes('queries') ? [queryFigures(report)] : []),
  ];
}

/** What each process of Rollcall takes of the CPU of a sample; empty if that was not measured. */
export function partsOf({ peers }: PeersReport): readonly PartReport[] {
  return peers.rollcall.ingest?.parts ?? [];
}

/** `5.4×`, `0.87×` */
export function times(ratio: number | undefined): string {
  if (ratio === undefined || !Number.isFinite(ratio)) return '';
  return `${ratio.toFixed(ratio < 9.95 ? 2 : 0)}×`;
}

export function versionsOf({ versions }: PeersReport): string {
  return Object.entries(versions)
    .map(([program, version]) => `${program} ${version}`)
    .join(', ');
}

function ingestFigures(report: PeersReport): FigureGroup {
  const of = (label: string, value: Value, text: Text, isRatio = true): Figure =>
    figure(report, label, value, text, isRatio);
  return {
    title: 'Ingest',
    figures: [
      of('CPU, µs a sample', (peer) => peer.ingest?.cpu_us_per_sample, cpuMicros),
      of('without idling', (peer) => peer.ingest?.cpu_us_per_sample_above_idle, cpuMicros),
      of('idling, cores', (peer) => peer.ingest?.idle_cores, cores, false),
      of('memory, peak', (peer) => peer.ingest?.rss_peak_bytes, bytes),
      of('memory a target', (peer) => peer.ingest?.rss_peak_bytes_per_target, bytes),
      of('memory without targets', (peer) => peer.ingest?.idle_rss_bytes, bytes, false),
      of('samples stored a second', (peer) => peer.ingest?.samples_per_second, short, false),
      of('share of what was said', storedShare, percent, false),
    ],
  };
}

function diskFigures(report: PeersReport): FigureGroup {
  const of = (label: string, value: Value, text: Text, isRatio = true): Figure =>
    figure(report, label, value, text, isRatio);
  const { peers } = report;
  const samples = PEERS.map((name) => peers[name].disk?.samples ?? 0)[0];
  return {
    title: `Disk, ${short(samples)} samples`,
    figures: [
      of('bytes a sample', (peer) => peer.disk?.bytes_per_sample, decimals),
      of('bytes', (peer) => peer.disk?.bytes, bytes, false),
      of('roll-ups beside that', (peer) => peer.disk?.rollup_bytes, bytes, false),
    ],
  };
}

function queryFigures(report: PeersReport): FigureGroup {
  return {
    title: 'Queries under ingest',
    figures: QUESTIONS.flatMap((kind) => [
      figure(
        report,
        `${QUESTION_LABELS[kind]}, p50`,
        (peer) => peer.queries?.[kind].p50_ms,
        milliseconds,
      ),
      figure(report, 'p95', (peer) => peer.queries?.[kind].p95_ms, milliseconds),
    ]),
  };
}

type Value = (peer: PeerReport) => number | undefined;
type Text = (value: number) => string;

function figure(
  { peers }: PeersReport,
  label: string,
  value: Value,
  text: Text,
  isRatio = true,
): Figure {
  const ours = value(peers.rollcall);
  return {
    label,
    texts: PEERS.map((name) => {
      const of = value(peers[name]);
      return of === undefined || !Number.isFinite(of) ? MISSING : text(of);
    }),
    ratios: OTHERS.map((name) => {
      const theirs = value(peers[name]);
      const isKnown = isRatio && theirs !== undefined && ours !== undefined && ours > 0;
      return isKnown ? theirs / ours : undefined;
    }),
  };
}

function storedShare({ ingest }: PeerReport): number | undefined {
  return ingest === undefined ? undefined : ingest.samples_stored / ingest.samples_expected;
}

function cores(value: number): string {
  return value.toFixed(3);
}

function decimals(value: number): string {
  return value.toFixed(2);
}

function hours(value: number): string {
  return `${Number(value.toFixed(2))} h`;
}
