/*
 * Measures an alerter by itself: `node bench/alerter/main.ts --agents 10000`. The README says what is printed.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { benchAlerter } from './alerter-bench.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '10000' },
    series: { type: 'string', default: '200' },
    /** Milliseconds between two frames of an agent. */
    interval: { type: 'string', default: '5000' },
    /** Milliseconds between two batches of a lane. */
    batch: { type: 'string', default: '25' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '10' },
    lanes: { type: 'string', default: '4' },
    rules: { type: 'string' },
    'breaches-per-second': { type: 'string', default: '2' },
    /** All agents have the same catalogue. */
    'one-catalogue': { type: 'boolean', default: false },
    /** Further flags of the alerter's Node, such as `--cpu-prof`; may be repeated. */
    node: { type: 'string', multiple: true, default: [] },
    /** Further settings of the alerter: `NAME=value`; may be repeated. */
    set: { type: 'string', multiple: true, default: [] },
  },
});

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const report = await benchAlerter({
  agents: Number(values.agents),
  series: Number(values.series),
  intervalMs: Number(values.interval),
  batchMs: Number(values.batch),
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values['warm-up']),
  lanes: Number(values.lanes),
  breachesPerSecond: Number(values['breaches-per-second']),
  haveOwnCatalogues: !values['one-catalogue'],
  rulesFile: values.rules ?? path('../load/rules.yaml'),
  natsProgram: await findProgram(natsServerProgram, path('../../.cache/')),
  nodeFlags: values.node,
  environment: Object.fromEntries(
    values.set.map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  ),
  say: (what) => process.stderr.write(`${what} …\n`),
});
const round = (_key: string, value: unknown): unknown =>
  typeof value === 'number' ? Math.round(value * 10_000) / 10_000 : value;
process.stdout.write(`${JSON.stringify(report, round, 2)}\n`);
