import { bytes, count, short } from '../../cli/up/quantity.ts';
import type { Prediction } from '../capacity/check.ts';
import type { Coefficients } from '../capacity/coefficients.ts';
import { TIERS, totalOf } from '../capacity/plan.ts';
import type { CapacityPlan, ComponentPlan } from '../capacity/plan.ts';
import { COMPONENTS } from '../load/load-report.ts';
import { milliseconds, percent } from './load-summary.ts';

/** The first column is text, the others are figures. */
export interface ReportTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** What a plan says, for a terminal and for a document. */
export function capacityTables(plan: CapacityPlan, coefficients: Coefficients): ReportTable[] {
  return [
    askedTable(plan),
    componentTable(plan),
    totalTable(plan),
    costTable(coefficients),
    storageTable(coefficients),
    sourceTable(coefficients),
  ];
}

/** What binds, in a sentence. */
export function capacityVerdict({ binds, nodes }: CapacityPlan): string {
  const machines = Math.max(...nodes.map((each) => each.count));
  return `${binds} binds: ${count(machines)} machine${machines === 1 ? '' : 's'} of this size`;
}

export function checkTable(predictions: readonly Prediction[]): ReportTable {
  return {
    title: 'Predicted against measured',
    head: ['component', 'agents', 'figure', 'predicted', 'measured', 'error'],
    rows: predictions.map(({ component, agents, figure, predicted, measured, error }) => {
      const written = figure === 'cores' ? cores : bytes;
      return [
        component,
        count(agents),
        figure === 'cores' ? 'cores' : 'memory',
        written(predicted),
        written(measured),
        `${error > 0 ? '+' : ''}${(error * 100).toFixed(0)}%`,
      ];
    }),
  };
}

export function markdown({ title, head, rows }: ReportTable): string {
  const ruler = head.map((_, i) => (i === 0 ? '---' : '--:'));
  return `### ${title}\n\n${[head, ruler, ...rows].map(markdownRow).join('')}`;
}

const markdownRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;

const cores = (value: number): string => value.toFixed(value < 10 ? 2 : 0);

function askedTable({ question, ...plan }: CapacityPlan): ReportTable {
  const { node } = question;
  return {
    title: 'Asked',
    head: ['what', 'value'],
    rows: [
      ['hosts', count(question.hosts)],
      ['metrics of each', count(question.metrics)],
      ['interval', milliseconds(question.interval_ms)],
      ['samples a second', short(plan.samples_per_second)],
      ['frames a second', short(plan.frames_per_second)],
      ...TIERS.map((tier): [string, string] => {
        return [`${tier} kept`, `${count(question.retention_days[tier])} days`];
      }),
      ['left free of everything', percent(question.headroom)],
      ['copies in JetStream', String(question.stream_replicas)],
      ['copies in ClickHouse', String(question.shard_replicas)],
      [
        'a machine',
        `${node.cores} cores, ${bytes(node.memory_bytes)}, ${bytes(node.disk_bytes)} of disk, ` +
          `${bytes(node.network_bytes_per_second)}/s of network`,
      ],
    ],
  };
}

const NOUNS = {
  collector: 'collectors',
  nats: 'NATS nodes',
  writer: 'writers',
  clickhouse: 'ClickHouse shards',
  alerter: 'alerters',
} as const;

function componentTable({ components }: CapacityPlan): ReportTable {
  return {
    title: 'Components',
    head: ['component', 'count', 'binds', 'asked for by', 'cores', 'memory'],
    rows: components.map(componentRow),
  };
}

function componentRow(plan: ComponentPlan): string[] {
  return [
    NOUNS[plan.component],
    count(plan.count),
    plan.binds,
    plan.needs.map(({ resource, count: each }) => `${resource} ${count(each)}`).join(', '),
    cores(plan.cores),
    bytes(plan.memory_bytes),
  ];
}

function totalTable(plan: CapacityPlan): ReportTable {
  const { network_bytes_per_second: network } = plan;
  const nodes = new Map(plan.nodes.map(({ resource, count: each }) => [resource, count(each)]));
  const machines = (resource: string): string => nodes.get(resource) ?? '';
  return {
    title: 'In all, copies included',
    head: ['resource', 'amount', 'machines'],
    rows: [
      ['CPU', `${cores(plan.cores)} cores`, machines('CPU')],
      ['memory', bytes(plan.memory_bytes), machines('memory')],
      ['disk', bytes(totalOf(plan.disk_bytes)), machines('disk')],
      ...TIERS.map((tier): string[] => [`of that, ${tier}`, bytes(plan.disk_bytes[tier]), '']),
      ['network', `${bytes(network.agents + network.nats)}/s`, machines('network')],
      ['of that, from agents', `${bytes(network.agents)}/s`, ''],
    ],
  };
}

function costTable(coefficients: Coefficients): ReportTable {
  return {
    title: 'Coefficients, measured',
    head: ['component', 'cores at rest', 'µs a frame', 'µs a sample', 'memory at rest', 'an agent'],
    rows: COMPONENTS.map((component) => {
      const { cpu, memory } = coefficients;
      return [
        component,
        cpu[component].fixed_cores.toFixed(3),
        cpu[component].us_per_frame.toFixed(2),
        cpu[component].us_per_sample.toFixed(4),
        bytes(memory[component].fixed_bytes),
        bytes(memory[component].bytes_per_agent),
      ];
    }),
  };
}

function storageTable({ storage, wire_bytes_per_sample: wire }: Coefficients): ReportTable {
  return {
    title: 'What is sent and kept, measured',
    head: ['what', 'value'],
    rows: [
      ['a sample on the wire, bytes', wire.toFixed(2)],
      [
        'a sample on disk, with the record of its frame, bytes',
        storage.bytes_per_sample.toFixed(2),
      ],
      ['a series and minute, bytes', storage.bytes_per_series_minute.toFixed(2)],
      ['a series and hour, bytes', storage.bytes_per_series_hour.toFixed(2)],
      ['rolling up, µs of ClickHouse a sample', storage.rollup_us_per_sample.toFixed(3)],
    ],
  };
}

function sourceTable({ machine, runs, tls }: Coefficients): ReportTable {
  const on = `${machine.cores} cores, ${machine.cpu}, ${bytes(machine.memory_bytes)}, ${machine.commit}`;
  return {
    title: 'Measured by',
    head: ['run', 'agents', 'metrics', 'interval', 'connections', 'on'],
    rows: runs.map(({ started_at: startedAt, agents, metrics, interval_ms: intervalMs }) => [
      startedAt,
      count(agents),
      count(metrics),
      milliseconds(intervalMs),
      tls ? 'mutual TLS' : 'plain TCP',
      on,
    ]),
  };
}
