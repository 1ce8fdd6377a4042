import { chmod, lutimes, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A file of a package. Whatever umask there is, others can read it. */
export interface PackedFile {
  /** Below the tree's root, without a slash before it. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly isProgram?: boolean;
}

/** A symbolic link of a package. */
export interface PackedLink {
  readonly path: string;
  readonly target: string;
}

export type PackedEntry = PackedFile | PackedLink;

/** Writes the tree of a package into a folder that is new, with one time for all of it. */
export async function writeTree(
  root: string,
  entries: readonly PackedEntry[],
  date: Date,
): Promise<void> {
  const folders = new Set([root]);
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
      folders.add(join(root, folder));
    }
  }
  const fromTop = [...folders].toSorted();
  for (const folder of fromTop) await mkdir(folder, { recursive: true });
  for (const entry of entries) await writeEntry(root, entry, date);
  for (const folder of fromTop.toReversed()) {
    await chmod(folder, 0o755);
    await lutimes(folder, date, date);
  }
}

async function writeEntry(root: string, entry: PackedEntry, date: Date): Promise<void> {
  const path = join(root, entry.path);
  if ('target' in entry) {
    await symlink(entry.target, path);
  } else {
    await writeFile(path, entry.content);
    await chmod(path, entry.isProgram === true ? 0o755 : 0o644);
  }
  await lutimes(path, date, date);
}
