import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';

/*
 * What is not there is no error for a source, and asking first is cheap: an exception that says
 * ENOENT costs 20 µs, which is as much as reading a large file.
 */

const TEXT_BYTES_MAX = 64 * 1024;

const NONE = -1;

/** A descriptor to read from, or -1 if the file is not there or may not be read. */
export function openQuietly(path: string): number {
  if (!existsSync(path)) return NONE;
  try {
    return openSync(path, 'r');
  } catch {
    return NONE;
  }
}

/** A descriptor that cannot be closed is gone as well. */
export function closeQuietly(descriptor: number): void {
  if (descriptor === NONE) return;
  try {
    closeSync(descriptor);
  } catch {
    return;
  }
}

/** The names in a directory, sorted; none if it is not there or may not be read. */
export function namesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  try {
    return readdirSync(directory).toSorted();
  } catch {
    return [];
  }
}

/**
 * The text of a small file that is looked at too seldom to stay open, without the blanks at its
 * end; undefined if it cannot be read. What is beyond 64 KiB is left out.
 */
export function readTextFile(path: string): string | undefined {
  const descriptor = openQuietly(path);
  if (descriptor === NONE) return undefined;
  try {
    const bytes = Buffer.allocUnsafe(TEXT_BYTES_MAX);
    return bytes.toString('utf8', 0, readSync(descriptor, bytes, 0, TEXT_BYTES_MAX, 0)).trimEnd();
  } catch {
    return undefined;
  } finally {
    closeQuietly(descriptor);
  }
}
