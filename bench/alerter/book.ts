/*
 * What evaluation itself costs, without NATS: `node --expose-gc bench/alerter/book.ts --agents 50000`. The README says
 * what is printed.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AlertBook } from '../../alerter/evaluation/alert-book.ts';
import { RuleSet } from '../../alerter/evaluation/rule-set.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { RecordedHosts } from './recorded-hosts.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '50000' },
    series: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '8' },
    rules: { type: 'string' },
    'one-catalogue': { type: 'boolean', default: false },
  },
});

const INTERVAL_MS = 5000;
const STALENESS_MS = 300_000;
/** Rounds in which code is still being compiled. */
const WARM_ROUNDS = 2;

const rulesFile = values.rules ?? fileURLToPath(new URL('../load/rules.yaml', import.meta.url));
const text = readFileSync(rulesFile, 'utf8');
const rules = RuleSet.fromFiles(new Map([['rules.yaml', text]]), (_file, problem) => {
  throw new RollcallError('rules_invalid', problem);
});
const hosts = new RecordedHosts({
  hosts: Number(values.agents),
  series: Number(values.series),
  intervalMs: INTERVAL_MS,
  haveOwnCatalogues: !values['one-catalogue'],
});

const book = new AlertBook(STALENESS_MS);
book.setRules(rules);
const emptyBytes = memory();
for (const target of hosts.targets) book.setTarget(target);
const learnUs = cpuUs(() => {
  for (let i = 0; i < hosts.targets.length; i += 1) {
    const catalogue = hosts.catalogue(i);
    if (!book.knows(catalogue.hash)) book.learn(catalogue);
  }
});
const roundsUs: number[] = [];
for (let round = 0; round < Number(values.rounds); round += 1) {
  const us = evaluateAll(round);
  if (round >= WARM_ROUNDS) roundsUs.push(us);
}
const fullBytes = memory();
const staleUs = cpuUs(() => book.endStale());
const rulesUs = cpuUs(() => {
  book.setRules(rules);
  evaluateAll(Number(values.rounds));
});

const { frames, comparisons } = book.counters;
const count = hosts.targets.length;
const bestUs = Math.min(...roundsUs) / count;
const medianUs = roundsUs.toSorted((a, b) => a - b)[Math.floor(roundsUs.length / 2)]! / count;
const report = {
  agents: count,
  comparisons_per_frame: comparisons / frames,
  alerts: book.activeCount,
  cpu_us_per_frame: { best: bestUs, median: medianUs },
  cpu_us_per_sample: medianUs / Number(values.series),
  /** Decoding included. */
  cpu_us_per_catalogue_learnt: learnUs / count,
  /** The round after rules changed, evaluation included. */
  cpu_us_per_frame_after_rules_changed: rulesUs / count,
  cpu_us_per_stale_sweep: staleUs,
  /** With its target, which the process has anyway, left out. */
  heap_bytes_per_target: (fullBytes - emptyBytes) / count,
};
const round4 = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Math.round(value * 10_000) / 10_000 : value;
process.stdout.write(`${JSON.stringify(report, round4, 2)}\n`);

function evaluateAll(round: number): number {
  const nowMs = 1_700_000_000_000 + round * INTERVAL_MS;
  let us = 0;
  // In parts, as batches come, so that what is measured does not begin in the processor's cache.
  for (let from = 0; from < hosts.targets.length; from += 1000) {
    const batch = Array.from({ length: Math.min(1000, hosts.targets.length - from) }, (_, i) =>
      hosts.frame(from + i, nowMs),
    );
    us += cpuUs(() => {
      book.arrive(nowMs + from);
      for (const frame of batch) book.evaluate(frame, 0);
    });
  }
  return us;
}

function cpuUs(action: () => unknown): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Of JavaScript's heap and of the buffers outside it. */
function memory(): number {
  if (globalThis.gc === undefined) throw new RollcallError('usage', 'node --expose-gc is needed');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
