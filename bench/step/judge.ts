import { MEMBERS } from '../load/load-report.ts';
import type { LoadReport, Quantiles, TimelineRow } from '../load/load-report.ts';
import type { Finding, Step, StepBounds } from './step-report.ts';

export const STEP_BOUNDS: StepBounds = {
  freshness_p99_ms_max: 8000,
  alert_latency_p99_ms_max: 1000,
  machine_busy_share_max: 0.95,
  thread_busy_share_max: 0.95,
  descriptors_share_max: 0.95,
  frames_share_min: 0.995,
  queue_growth_seconds_max: 5,
};

const QUEUES = ['rings', 'collector', 'streams', 'writer'] as const;
/** Less is what batches come and go with. */
const GROWTH_BYTES_MIN = 16 * 1024 ** 2;
/** Fewer rows have no beginning and end. */
const ROWS_MIN = 6;

/** What gave in a run; nothing if it kept within all bounds. Resources come first. */
export function judge(report: LoadReport, bounds: StepBounds): Finding[] {
  return [
    ...machineFindings(report, bounds),
    ...descriptorFindings(report, bounds),
    ...sampleFindings(report),
    ...tickFindings(report, bounds),
    ...latencyFindings('freshness', report.freshness_ms, bounds.freshness_p99_ms_max),
    ...latencyFindings('alert latency', report.alert_latency_ms, bounds.alert_latency_p99_ms_max),
    ...queueFindings(report, bounds),
  ];
}

/** In one sentence, which resource it was, and the numbers. */
export function verdictOf(steps: readonly Step[]): string {
  const last = steps.at(-1);
  if (last === undefined) return 'nothing was measured';
  if (last.findings.length === 0) return `nothing gave up to ${last.agents} agents`;
  const resources = last.findings.filter(({ kind }) => kind === 'resource');
  const symptoms = last.findings.filter(({ kind }) => kind === 'symptom');
  const gave = `at ${last.agents} agents gave `;
  if (resources.length === 0) return `${gave}${listed(symptoms)}${spare(last.load)}`;
  const noticed = symptoms.length === 0 ? '' : `; noticed as ${listed(symptoms)}`;
  return `${gave}${listed(resources)}${noticed}`;
}

/** Where no resource was used up, how much there was of each. */
function spare(report: LoadReport | null): string {
  if (report === null) return '';
  const threads = MEMBERS.map((role) => `${role} ${percent(report.busiest_thread_share[role])}`);
  return (
    `; no resource was used up: machine ${percent(report.machine_busy_share)} busy, ` +
    `busiest threads ${threads.join(', ')} of a core`
  );
}

function machineFindings(report: LoadReport, bounds: StepBounds): Finding[] {
  const { machine_busy_share: busy, busiest_thread_share: threads, machine } = report;
  const findings: Finding[] = [];
  if (busy > bounds.machine_busy_share_max) {
    const evidence = `${percent(busy)} of ${machine.cores} cores busy`;
    findings.push(
      resource('machine CPU', `${evidence}, bound ${percent(bounds.machine_busy_share_max)}`),
    );
  }
  for (const role of MEMBERS) {
    if (threads[role] <= bounds.thread_busy_share_max) continue;
    const evidence = `its busiest had ${percent(threads[role])} of a core`;
    findings.push(
      resource(`${role} thread`, `${evidence}, bound ${percent(bounds.thread_busy_share_max)}`),
    );
  }
  return findings;
}

function descriptorFindings(report: LoadReport, bounds: StepBounds): Finding[] {
  return MEMBERS.flatMap((role) => {
    const { open, limit } = report.descriptors[role];
    if (open <= bounds.descriptors_share_max * limit) return [];
    return [resource(`${role} descriptors`, `${open} of ${limit} open`)];
  });
}

function sampleFindings(report: LoadReport): Finding[] {
  const kinds = ['lost', 'dropped', 'duplicated', 'changed'] as const;
  return kinds.flatMap((kind) => {
    const samples = report[`samples_${kind}`];
    return samples === 0 ? [] : [symptom(`samples ${kind}`, String(samples))];
  });
}

function tickFindings(report: LoadReport, bounds: StepBounds): Finding[] {
  const { agents, metrics, interval_ms: intervalMs, samples_per_second: rate } = report;
  const share = rate / ((agents * metrics * 1000) / intervalMs);
  if (share >= bounds.frames_share_min) return [];
  const bound = percent(bounds.frames_share_min);
  return [symptom('ticks missed', `${percent(share)} of the frames were sent, bound ${bound}`)];
}

function latencyFindings(what: string, { count, p99 }: Quantiles, boundMs: number): Finding[] {
  if (count === 0 || p99 <= boundMs) return [];
  return [symptom(what, `p99 ${p99.toFixed(0)} ms, bound ${boundMs} ms`)];
}

/** A queue grows if its last third holds more than its first third by some seconds of all traffic, and by a size. */
function queueFindings(report: LoadReport, bounds: StepBounds): Finding[] {
  const rows = report.timeline.filter(
    ({ seconds }) => seconds > 0 && seconds <= report.seconds + 1,
  );
  if (rows.length < ROWS_MIN) return [];
  const third = Math.floor(rows.length / 3);
  const bytesPerSecond = report.samples_per_second * report.wire_bytes_per_sample;
  return QUEUES.flatMap((queue) => {
    const mean = (some: readonly TimelineRow[]): number =>
      some.reduce((sum, row) => sum + row.queue_bytes[queue], 0) / some.length;
    const [first, last] = [mean(rows.slice(0, third)), mean(rows.slice(-third))];
    const seconds = (last - first) / bytesPerSecond;
    if (seconds <= bounds.queue_growth_seconds_max || last - first < GROWTH_BYTES_MIN) return [];
    const evidence = `from ${mebibytes(first)} to ${mebibytes(last)}, ${seconds.toFixed(1)} s of traffic`;
    return [symptom(`queue of ${queue} growing`, evidence)];
  });
}

const listed = (some: readonly Finding[]): string =>
  some.map(({ what, evidence }) => `${what} (${evidence})`).join(', ');
const resource = (what: string, evidence: string): Finding => ({
  kind: 'resource',
  what,
  evidence,
});
const symptom = (what: string, evidence: string): Finding => ({ kind: 'symptom', what, evidence });
const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;
const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
