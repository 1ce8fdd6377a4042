import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { RollcallError } from '../pipeline/error.ts';
import { ConfigError } from './config/problem.ts';
import { unknownVariables } from './config/unknown-variable.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/**
 * Runs a command line. Data goes to standard output and everything else to standard error. Exit
 * status: 0 done, 1 it did not work, 2 it was asked wrongly.
 *
 * @param programFor makes the program for these arguments, which are without its own path
 */
export async function runCommandLine(
  programFor: (args: readonly string[]) => Command | Promise<Command>,
): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever read our output has seen enough: `rollcall rules list | head`.
    process.exit(error.code === 'EPIPE' ? 0 : EXIT_FAILED);
  });
  try {
    // The children of `rollcall up` have its variables, and it has said so.
    if (process.env['ROLLCALL_SUPERVISED'] !== '1') warnOfVariables();
    const args = process.argv.slice(2);
    const program = await programFor(args);
    throwInsteadOfExiting(program);
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    process.exitCode = report(error);
  }
}

function warnOfVariables(): void {
  for (const line of unknownVariables(process.env)) process.stderr.write(`rollcall: ${line}\n`);
}

function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExiting(child);
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    return EXIT_USAGE;
  }
  if (error instanceof RollcallError) {
    process.stderr.write(`rollcall: ${error.message}\n`);
    return error.code === 'usage' ? EXIT_USAGE : EXIT_FAILED;
  }
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return EXIT_FAILED;
}
