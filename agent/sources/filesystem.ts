import { statfs } from 'node:fs/promises';
import type { HostPaths, Metric, SeriesSink, Source } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { FilesystemSizes, type Statfs } from './filesystem-size.ts';
import { KernelFile } from './kernel-file.ts';
import { isRemoteType, parseMountEntry } from './mount-entry.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** What node_exporter leaves out unless told otherwise. */
const MOUNT_POINTS_EXCLUDED =
  /^\/(dev|proc|run\/credentials\/.+|sys|var\/lib\/docker\/.+|var\/lib\/containers\/storage\/.+)($|\/)/;
const TYPES_EXCLUDED =
  /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)$/;

function gauge(name: string, unit: string, help: string): Metric {
  return { name: `node_filesystem_${name}`, kind: 'gauge', unit, help };
}

const METRICS: readonly Metric[] = [
  gauge('device_error', '', 'Whether the size of a filesystem could not be found out.'),
  gauge('size_bytes', 'bytes', 'Size of a filesystem.'),
  gauge('free_bytes', 'bytes', 'Unused space in a filesystem.'),
  gauge('avail_bytes', 'bytes', 'Unused space that users other than root may fill.'),
  gauge('files', '', 'Files (inodes) that a filesystem can hold.'),
  gauge('files_free', '', 'Files (inodes) that can still be created.'),
  gauge('readonly', '', 'Whether a filesystem is mounted read-only.'),
];

interface MountRow {
  readonly slots: Int32Array;
  /** Where this process reaches the mount point. */
  readonly path: string;
  readonly remote: boolean;
  readonly readOnly: boolean;
  /** The reading in which the row was last there. */
  reading: number;
}

/**
 * The mounts of the host's first process, or of this one if that may not be seen, and the sizes
 * that statfs(2) tells of them. A reading shows the answers to the questions of the one before.
 */
class Mounts implements SourcePart {
  readonly #hostFile: KernelFile;
  readonly #ownFile: KernelFile;
  readonly #sizes: FilesystemSizes;
  readonly #nowMs: () => number;
  readonly #rows: RowCache<MountRow>;
  #reading = 0;

  constructor(paths: HostPaths, statfs: Statfs, nowMs: () => number) {
    this.#hostFile = new KernelFile(`${paths.procfs}/1/mounts`, 'filesystem');
    this.#ownFile = new KernelFile(`${paths.procfs}/self/mounts`, 'filesystem');
    this.#sizes = new FilesystemSizes(statfs, nowMs);
    this.#nowMs = nowMs;
    this.#rows = new RowCache('filesystem', (scan, sink) => mountRow(scan, sink, paths.rootfs));
  }

  read(sink: SeriesSink): void {
    const file = this.#hostFile.load(sink) ? this.#hostFile : this.#ownFile;
    if (file === this.#ownFile && !file.load(sink)) return;
    const { scan } = file;
    const nowMs = this.#nowMs();
    this.#reading++;
    this.#rows.restart();
    this.#sizes.beginTick();
    for (; !scan.atEnd; scan.nextLine()) {
      const row = scan.lineAsWord() ? this.#rows.at(scan, sink) : null;
      if (row !== null) this.#show(sink, row, nowMs);
    }
    this.#sizes.endTick();
  }

  close(): void {
    this.#hostFile.close();
    this.#ownFile.close();
    this.#sizes.close();
  }

  #show(sink: SeriesSink, row: MountRow, nowMs: number): void {
    const changed = row.reading < this.#reading - 1;
    const size = this.#sizes.at(row.path, row.remote, changed);
    row.reading = this.#reading;
    const state = size.stateAt(nowMs);
    if (state === 'none') return;
    const { slots } = row;
    sink.set(slots[0]!, state === 'failed' ? 1 : 0);
    if (state === 'failed') return;
    sink.set(slots[1]!, size.sizeBytes);
    sink.set(slots[2]!, size.freeBytes);
    sink.set(slots[3]!, size.availableBytes);
    sink.set(slots[4]!, size.files);
    sink.set(slots[5]!, size.filesFree);
    sink.set(slots[6]!, row.readOnly ? 1 : 0);
  }
}

/** The row of a whole line, so that a change of its options makes another row. */
function mountRow(scan: ByteScanner, sink: SeriesSink, rootfs: string): MountRow | null {
  const entry = parseMountEntry(scan.wordText());
  if (entry === null) {
    sink.malformed('filesystem', scan.lineExcerpt());
    return null;
  }
  const { device, fsType, readOnly } = entry;
  const root = rootfs.replace(/\/+$/, '');
  const mountPoint = withoutRoot(entry.mountPoint, root);
  if (MOUNT_POINTS_EXCLUDED.test(mountPoint) || TYPES_EXCLUDED.test(fsType)) return null;
  const slots = declareRow(sink, 'filesystem', METRICS, [
    ['device', device],
    ['fstype', fsType],
    ['mountpoint', mountPoint],
  ]);
  if (slots === null) return null;
  const path = root + (mountPoint === '/' && root !== '' ? '' : mountPoint);
  return { slots, path, remote: isRemoteType(fsType), readOnly, reading: -1 };
}

/** In a container the host's mounts may be seen below the place where its root is mounted. */
function withoutRoot(mountPoint: string, root: string): string {
  if (root === '') return mountPoint;
  if (mountPoint === root) return '/';
  return mountPoint.startsWith(`${root}/`) ? mountPoint.slice(root.length) : mountPoint;
}

/** Space and inodes of the mounted filesystems. */
export function filesystemSource(
  paths: HostPaths,
  options: { statfs?: Statfs; nowMs?: () => number } = {},
): Source {
  // The monotonic clock: a step of the system's must not make an answer late.
  const { statfs: ask = (path) => statfs(path), nowMs = () => performance.now() } = options;
  return sourceFromParts('filesystem', [new Mounts(paths, ask, nowMs)]);
}
