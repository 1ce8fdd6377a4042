/*
 * Measures a collector by itself: `node bench/collector/main.ts --agents 2000 --interval 1000`. The README says what is
 * printed.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { benchCollector } from './collector-bench.ts';

const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '2000' },
    series: { type: 'string', default: '200' },
    /** Milliseconds between two frames of an agent. */
    interval: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    'warm-up': { type: 'string', default: '10' },
    workers: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '4' },
    /** Further flags of the collector's Node, such as `--cpu-prof`; may be repeated. */
    node: { type: 'string', multiple: true, default: [] },
    /** Further settings of the collector: `NAME=value`; may be repeated. */
    set: { type: 'string', multiple: true, default: [] },
  },
});

const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));
const report = await benchCollector({
  agents: Number(values.agents),
  series: Number(values.series),
  intervalMs: Number(values.interval),
  seconds: Number(values.seconds),
  warmUpSeconds: Number(values['warm-up']),
  workers: Number(values.workers),
  lanes: Number(values.lanes),
  natsProgram: await findProgram(natsServerProgram, cache),
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
  typeof value === 'number' ? Math.round(value * 100) / 100 : value;
process.stdout.write(`${JSON.stringify(report, round, 2)}\n`);
