import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';

/**
 * Creates a folder with those above it, one after the other: `mkdirSync` with `recursive` never ends
 * where a folder cannot be made although the one above it is there, as in `/proc`.
 *
 * @throws RollcallError `data_dir_failed`
 */
export function makeDataFolder(path: string): void {
  try {
    makeFolder(path);
  } catch (cause) {
    throw unusable(path, cause);
  }
}

/** The error that says what to do about a data folder that cannot be used. */
export function unusable(path: string, cause: unknown): RollcallError {
  return new RollcallError(
    'data_dir_failed',
    `the data directory ${path} cannot be used (${reasonOf(cause)}): ` +
      'choose one that you may write to with --data-dir',
    { cause },
  );
}

function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const above = dirname(path);
  if (above !== path) makeFolder(above);
  try {
    mkdirSync(path);
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}
