import type { HostFiles } from './host-files.ts';

/** Files below a directory, each ending with a newline as the kernel's attributes do. */
export function attributes(
  directory: string,
  files: Readonly<Record<string, string | number>>,
): HostFiles {
  return Object.fromEntries(
    Object.entries(files).map(([file, value]) => [`${directory}/${file}`, `${value}\n`]),
  );
}
