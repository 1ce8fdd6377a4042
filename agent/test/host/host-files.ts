import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostPaths } from '../../source.ts';

/**
 * Files of a host by path, which begins with `proc/`, `sys/` or `root/`: a file's contents, or the
 * target of a symbolic link.
 */
export type HostFiles = Readonly<Record<string, string | { readonly link: string }>>;

/** Writes a host's files below a directory, for sources and for node_exporter alike. */
export function writeHost(directory: string, ...hosts: readonly HostFiles[]): HostPaths {
  for (const top of ['proc', 'sys', 'root']) mkdirSync(join(directory, top), { recursive: true });
  for (const files of hosts) {
    for (const [path, contents] of Object.entries(files)) {
      const full = join(directory, path);
      mkdirSync(dirname(full), { recursive: true });
      if (typeof contents === 'string') writeFileSync(full, contents);
      else symlinkSync(contents.link, full);
    }
  }
  return {
    procfs: join(directory, 'proc'),
    sysfs: join(directory, 'sys'),
    rootfs: join(directory, 'root'),
  };
}
