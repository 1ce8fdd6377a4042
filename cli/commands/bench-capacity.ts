import { existsSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { checkAgainst } from '../../bench/capacity/check.ts';
import { coefficientsOf, storageCoefficientsOf } from '../../bench/capacity/coefficients.ts';
import type { Coefficients } from '../../bench/capacity/coefficients.ts';
import { coefficientsIn, loadReportsIn, storageReportIn } from '../../bench/capacity/input.ts';
import { planOf } from '../../bench/capacity/plan.ts';
import type { CapacityQuestion } from '../../bench/capacity/plan.ts';
import { capacityTables, capacityVerdict, checkTable } from '../../bench/report/capacity-tables.ts';
import { markdown } from '../../bench/report/capacity-tables.ts';
import type { ReportTable } from '../../bench/report/capacity-tables.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { tickInterval, wholeNumber } from '../flag-parsers.ts';
import { printTable } from '../print-table.ts';
import { projectRoot } from '../project-root.ts';

const COEFFICIENTS = fileURLToPath(new URL('bench/capacity/coefficients.json', projectRoot));
const GIB = 1024 ** 3;
const BITS_PER_BYTE = 8;

interface CapacityFlags {
  readonly hosts: number;
  readonly metrics: number;
  readonly interval: number;
  readonly retention: number;
  readonly minutesRetention: number;
  readonly hoursRetention: number;
  readonly headroom: number;
  readonly streamReplicas: number;
  readonly shardReplicas: number;
  readonly nodeCores: number;
  readonly nodeMemory: number;
  readonly nodeDisk: number;
  readonly nodeNetwork: number;
  readonly from: readonly string[];
  readonly storage?: string;
  readonly write?: boolean;
  readonly check?: string;
  readonly markdown?: boolean;
  readonly json?: string;
}

export function capacityCommand(): Command {
  return new Command('capacity')
    .description('Compute from measured runs what a fleet of any size needs, and what binds.')
    .option('--hosts <number>', 'servers', wholeNumber(1, 1_000_000_000), 1_000_000)
    .option('--metrics <number>', 'series of each', wholeNumber(1, 20_000), 200)
    .addOption(
      new Option('--interval <duration>', 'time between two frames of a server')
        .argParser(tickInterval)
        .default(5000, '5s'),
    )
    .option('--retention <days>', 'how long samples are kept', wholeNumber(1, 3650), 7)
    .option('--minutes-retention <days>', 'the same of minutes', wholeNumber(1, 3650), 90)
    .option('--hours-retention <days>', 'the same of hours', wholeNumber(1, 3650), 1095)
    .option('--headroom <percent>', 'what is left free of everything', wholeNumber(0, 90), 40)
    .option('--stream-replicas <number>', 'copies in JetStream', wholeNumber(1, 5), 3)
    .option('--shard-replicas <number>', 'copies in ClickHouse', wholeNumber(1, 5), 2)
    .option('--node-cores <number>', 'cores of a machine', wholeNumber(1, 1024), 16)
    .option('--node-memory <GiB>', 'memory of a machine', wholeNumber(1, 65_536), 64)
    .option('--node-disk <GiB>', 'disk of a machine', wholeNumber(1, 1_048_576), 4096)
    .option('--node-network <Gbit>', 'network of a machine, each way', wholeNumber(1, 800), 10)
    .addOption(
      new Option('--from <file>', 'a report of bench load or bench step as JSON; may be repeated')
        .argParser((file: string, before: readonly string[]) => [...before, file])
        .default([], 'coefficients.json'),
    )
    .option('--storage <file>', 'a report of bench storage as JSON (default: coefficients.json)')
    .option('--write', "keep the coefficients of --from as the project's own")
    .option('--check <file>', 'hold the model against the runs of a report')
    .option('--markdown', 'print tables for a document')
    .option('--json <file>', 'write the plan and its coefficients as JSON')
    .action((flags: CapacityFlags) => runCapacity(flags));
}

function runCapacity(flags: CapacityFlags): void {
  const coefficients = coefficientsFor(flags);
  if (flags.write === true) writeFileSync(COEFFICIENTS, jsonOf(coefficients));
  const plan = planOf(questionOf(flags), coefficients);
  const tables = capacityTables(plan, coefficients);
  const check =
    flags.check === undefined ? [] : checkAgainst(coefficients, loadReportsIn(flags.check));
  if (check.length > 0) tables.push(checkTable(check));
  if (flags.json !== undefined) writeFileSync(flags.json, jsonOf({ plan, coefficients, check }));
  print(tables, flags.markdown === true, capacityVerdict(plan));
}

function coefficientsFor({ from, storage, write }: CapacityFlags): Coefficients {
  if (from.length > 0) {
    return coefficientsOf(
      from.flatMap((file) => loadReportsIn(file)),
      storage === undefined ? kept().storage : storageCoefficientsOf(storageReportIn(storage)),
    );
  }
  if (write === true) throw new RollcallError('usage', '--write needs --from');
  if (storage === undefined) return kept();
  return { ...kept(), storage: storageCoefficientsOf(storageReportIn(storage)) };
}

/** The project's own. */
function kept(): Coefficients {
  if (existsSync(COEFFICIENTS)) return coefficientsIn(COEFFICIENTS);
  throw new RollcallError(
    'capacity_input',
    'nothing has been measured: run `rollcall bench step --json STEP` and ' +
      '`rollcall bench storage --json STORAGE`, and give --from STEP --storage STORAGE',
  );
}

function questionOf(flags: CapacityFlags): CapacityQuestion {
  return {
    hosts: flags.hosts,
    metrics: flags.metrics,
    interval_ms: flags.interval,
    retention_days: {
      samples: flags.retention,
      minutes: flags.minutesRetention,
      hours: flags.hoursRetention,
    },
    headroom: flags.headroom / 100,
    stream_replicas: flags.streamReplicas,
    shard_replicas: flags.shardReplicas,
    node: {
      cores: flags.nodeCores,
      memory_bytes: flags.nodeMemory * GIB,
      disk_bytes: flags.nodeDisk * GIB,
      network_bytes_per_second: (flags.nodeNetwork * 1e9) / BITS_PER_BYTE,
    },
  };
}

function print(tables: readonly ReportTable[], isMarkdown: boolean, verdict: string): void {
  if (isMarkdown) {
    process.stdout.write(`${tables.map((table) => markdown(table)).join('\n')}\n${verdict}.\n`);
    return;
  }
  for (const { title, head, rows } of tables) {
    process.stdout.write(`${title}\n`);
    printTable(head, rows);
    process.stdout.write('\n');
  }
  process.stdout.write(`${verdict}\n`);
}

const jsonOf = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
