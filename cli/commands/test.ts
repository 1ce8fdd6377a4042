import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Argument, Command } from 'commander';
import { RollcallError } from '../../pipeline/error.ts';
import { findProgram, type DebianProgram } from '../../pipeline/embedded/debian-program.ts';
import { natsServerProgram } from '../../pipeline/embedded/nats-server.ts';
import { projectRoot } from '../project-root.ts';

const TEST_FILES = ['agent', 'collector', 'pipeline', 'alerter', 'bench', 'cli'].map(
  (folder) => `${folder}/**/test/*.test.ts`,
);

/** The checks that are not tests, each a program of a dependency. */
const CHECKS: readonly [name: string, program: string, ...args: string[]][] = [
  ['formatting', 'oxfmt', '--check', '.'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings'],
  ['types', 'tsc', '--noEmit'],
];

const BIN = fileURLToPath(new URL('node_modules/.bin', projectRoot));

/** The programs begin with `#!/usr/bin/env node`: that must be our Node, not the system's. */
const ENV = { ...process.env, PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}` };

/** The real programs that tests run, by the variable that tells the tests where they are. */
const PROGRAMS: Readonly<Record<string, DebianProgram>> = {
  ROLLCALL_NATS_SERVER: natsServerProgram,
  ROLLCALL_NODE_EXPORTER: {
    package: 'prometheus-node-exporter',
    path: 'usr/bin/prometheus-node-exporter',
  },
  ROLLCALL_PROMETHEUS: { package: 'prometheus', path: 'usr/bin/prometheus' },
  ROLLCALL_PROMTOOL: { package: 'prometheus', path: 'usr/bin/promtool' },
};

type Programs = Readonly<Record<string, string>>;

interface Tally {
  passed: number;
  failed: number;
}

export function command(): Command {
  return new Command('test')
    .addArgument(new Argument('[file...]', 'run these test files only, without the other checks'))
    .action(async (files: string[]) => {
      const programs = await findPrograms();
      const tally: Tally = { passed: 0, failed: 0 };
      if (files.length === 0) {
        for (const [name, program, ...args] of CHECKS) await check(name, program, args, tally);
      }
      await runTests(files.length > 0 ? files : TEST_FILES, programs, tally);
      process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
      if (tally.failed > 0) throw new RollcallError('tests_failed', 'there are failures above');
    });
}

async function findPrograms(): Promise<Programs> {
  const cache = fileURLToPath(new URL('.cache/', projectRoot));
  const found: Record<string, string> = {};
  for (const [variable, program] of Object.entries(PROGRAMS)) {
    found[variable] = await findProgram(program, cache);
  }
  return found;
}

async function check(name: string, program: string, args: string[], tally: Tally): Promise<void> {
  process.stdout.write(`${name} …\n`);
  const child = spawn(programPath(program), args, { stdio: 'inherit', cwd: projectRoot, env: ENV });
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status === 0) tally.passed += 1;
  else tally.failed += 1;
}

/** Runs tap and counts its assertions; one that is skipped or to be done has failed. */
async function runTests(files: string[], programs: Programs, tally: Tally): Promise<void> {
  const child = spawn(programPath('tap'), ['--reporter=tap', ...files], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: projectRoot,
    env: { ...ENV, ...programs },
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const counts = { pass: 0, fail: 0, skip: 0, todo: 0 };
  let depthOfFailure = -1;
  for await (const line of createInterface({ input: child.stdout })) {
    const summary = /^# \{ (.*) \}$/.exec(line)?.[1];
    if (summary !== undefined) {
      for (const kind of ['pass', 'fail', 'skip', 'todo'] as const) {
        counts[kind] = Number(new RegExp(`${kind}: (\\d+)`).exec(summary)?.[1] ?? 0);
      }
      continue;
    }
    // Of what is good only the files are named; what failed is shown with its details, which are
    // the more indented lines after it.
    const depth = line.length - line.trimStart().length;
    const isFailure = /^\s*not ok /.test(line);
    if (isFailure) depthOfFailure = depth;
    else if (depth <= depthOfFailure && line.trim() !== '') depthOfFailure = -1;
    const isDetail = depthOfFailure >= 0 && depth > depthOfFailure;
    if (isFailure || isDetail || line.startsWith('ok ') || /# (SKIP|TODO)/i.test(line)) {
      process.stdout.write(`${line}\n`);
    }
  }
  const [status] = await exited;
  tally.passed += counts.pass;
  tally.failed += counts.fail + counts.skip + counts.todo;
  if (status !== 0 && tally.failed === 0) tally.failed += 1;
}

function programPath(name: string): string {
  return join(BIN, name);
}
