import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { benchAgent, type AgentBenchReport } from '../../bench/agent/agent-bench.ts';
import type { Cost } from '../../bench/agent/cost.ts';
import { nodeExporterProgram } from '../../bench/agent/node-exporter.ts';
import { bundleAgent } from '../../agent/packaging/bundle.ts';
import { findProgram } from '../../pipeline/embedded/debian-program.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { printTable } from '../print-table.ts';
import { version } from '../version.ts';
import { projectRoot } from '../project-root.ts';
import { capacityCommand } from './bench-capacity.ts';
import { faultsCommand } from './bench-faults.ts';
import { loadCommand } from './bench-load.ts';
import { peersCommand } from './bench-peers.ts';
import { command as recordCommand } from './bench-record.ts';
import { stepCommand } from './bench-step.ts';
import { command as simulateCommand } from './bench-simulate.ts';
import { storageCommand } from './bench-storage.ts';
import { wholeNumber } from '../flag-parsers.ts';

const START = fileURLToPath(new URL('agent/packaging/files/rollcall-agent', projectRoot));
const CACHE = fileURLToPath(new URL('.cache/', projectRoot));

interface AgentFlags {
  readonly ticks: number;
  readonly interval: number;
  readonly soakTicks: number;
  readonly nodeExporterPath?: string;
  readonly json?: string;
}

export function command(): Command {
  const command = new Command('bench');
  command
    .command('agent')
    .description(
      'Compare the agent with node_exporter on this machine: what both say, and what it costs.',
    )
    .option('--ticks <number>', 'ticks that are measured, 200 or more', wholeNumber(200), 400)
    .option('--interval <ms>', 'milliseconds between them, 20 or more', wholeNumber(20), 250)
    .option('--soak-ticks <number>', 'ticks that memory is watched over', wholeNumber(10), 10_000)
    .option('--node-exporter-path <path>', "a node_exporter (default: PATH's, else Debian's)")
    .option('--json <file>', 'write the report as JSON')
    .action((flags: AgentFlags) => runAgentBench(flags));
  command.addCommand(loadCommand());
  command.addCommand(stepCommand());
  command.addCommand(capacityCommand());
  command.addCommand(storageCommand());
  command.addCommand(peersCommand());
  command.addCommand(faultsCommand());
  command.addCommand(simulateCommand());
  command.addCommand(recordCommand());
  return command;
}

/** The agent as it is shipped: one file, and the program beside it that starts it. */
async function buildProgram(folder: string): Promise<string> {
  await bundleAgent({ folder, version });
  const program = join(folder, basename(START));
  copyFileSync(START, program);
  chmodSync(program, 0o755);
  return program;
}

async function runAgentBench(flags: AgentFlags): Promise<void> {
  const report = await benchAgent({
    build: buildProgram,
    nodeExporter: await findProgram(nodeExporterProgram, CACHE, flags.nodeExporterPath),
    ticks: flags.ticks,
    intervalMs: flags.interval,
    soakTicks: flags.soakTicks,
    say: (progress) => process.stderr.write(`${progress} …\n`),
  });
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(report, null, 2)}\n`);
  print(report);
  const { unexplained } = report.comparison;
  if (unexplained.length > 0) {
    throw new RollcallError(
      'comparison_differs',
      `${unexplained.length} series differ from node_exporter's and no reason is known`,
    );
  }
}

const kib = (bytes: number): number => bytes / 1024;

function print(report: AgentBenchReport): void {
  const { agent, node_exporter: peer, kernel_floor: floor, soak, comparison } = report;
  const row = (title: string, of: (cost: Cost) => number, digits = 0): string[] => [
    title,
    of(agent).toFixed(digits),
    of(peer).toFixed(digits),
    (of(agent) / of(peer)).toFixed(3),
  ];
  printTable(
    ['', 'agent', 'node_exporter', 'ratio'],
    [
      row('series of the host', (cost) => cost.series),
      row('CPU per tick, µs', (cost) => cost.cpu_us_per_tick),
      row('CPU per series-reading, µs', (cost) => cost.cpu_us_per_tick / cost.series, 2),
      row('resident memory, KiB', (cost) => kib(cost.rss_bytes)),
      row('anonymous memory, KiB', (cost) => kib(cost.anon_bytes)),
      row('on the wire per tick, bytes', (cost) => cost.wire_bytes_per_tick),
      row('garbage per tick, KiB', (cost) => kib(cost.garbage_bytes_per_tick), 1),
    ],
  );
  const anonKib = soak.anon_bytes.map((bytes) => kib(bytes).toFixed(0));
  process.stdout.write(
    [
      '',
      `Kernel's floor: reading the agent's ${floor.files} open kernel files and looking at nothing ` +
        `takes ${floor.paced_cpu_us_per_tick.toFixed(0)} µs at this pace ` +
        `(${(floor.paced_cpu_us_per_tick / peer.cpu_us_per_tick).toFixed(3)} of node_exporter), ` +
        `${floor.warm_cpu_us_per_tick.toFixed(0)} µs in a tight loop.`,
      `Soak: ${soak.ticks} ticks, anonymous memory after each tenth ${anonKib.join(' ')} KiB, ` +
        `${kib(soak.garbage_bytes_per_tick).toFixed(1)} KiB of garbage a tick.`,
      `Comparison: ${comparison.agreed} series agree, ${comparison.explained} differences are ` +
        `deliberate, ${comparison.unexplained.length} unexplained.`,
      ...comparison.unexplained.map(({ series, what }) => `  ${series}: ${what}`),
      '',
    ].join('\n'),
  );
}
