import { statfsSync } from 'node:fs';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { HostPaths, Metric, SeriesSink, Source, SourceOptions } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import type { FilesystemKind } from './filesystem-size.ts';
import { FilesystemSizes, type FilesystemQuestions } from './filesystem-sizes.ts';
import { KernelFile } from './kernel-file.ts';
import { isMemoryType, isRemoteType, parseMountEntry } from './mount-entry.ts';
import { RowCache } from './row-cache.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { SystemStatfs } from './system-statfs.ts';

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

/** Of the agent itself: how many filesystems do not answer, and how often that was so. */
const STALLED: Metric = {
  name: 'rollcall_agent_filesystem_stalled',
  kind: 'gauge',
  unit: '',
  help: 'Filesystems that did not tell their size in time when last asked.',
};
const TIMEOUTS: Metric = {
  name: 'rollcall_agent_filesystem_timeouts_total',
  kind: 'counter',
  unit: '',
  help: 'Questions for the size of a filesystem that were not answered in time.',
};

interface MountRow {
  slots: Int32Array;
  readonly labels: readonly Label[];
  /** Where this process reaches the mount point. */
  readonly path: string;
  readonly kind: FilesystemKind;
  readonly readOnly: boolean;
  /** The reading in which the row was last there. */
  reading: number;
}

/** Which mounts are shown. */
interface MountFilter {
  readonly root: string;
  readonly mountPointsExclude: RegExp;
  readonly typesExclude: RegExp;
}

/**
 * The mounts of the host's first process, or of this one if that may not be seen, and the sizes
 * that statfs(2) tells of them. What is asked in the background is shown by the next reading.
 */
class Mounts implements SourcePart {
  readonly #hostFile: KernelFile;
  readonly #ownFile: KernelFile;
  readonly #sizes: FilesystemSizes;
  readonly #nowMs: () => number;
  readonly #rows: RowCache<MountRow>;
  #reading = 0;
  #stalledSlot = -1;
  #timeoutsSlot = -1;

  constructor(procfs: string, filter: MountFilter, questions: FilesystemQuestions) {
    this.#hostFile = new KernelFile(`${procfs}/1/mounts`, 'filesystem');
    this.#ownFile = new KernelFile(`${procfs}/self/mounts`, 'filesystem');
    this.#sizes = new FilesystemSizes(questions);
    this.#nowMs = questions.nowMs;
    this.#rows = new RowCache('filesystem', (scan, sink) => mountRow(scan, sink, filter));
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
    this.#showLate(sink);
  }

  close(): void {
    this.#hostFile.close();
    this.#ownFile.close();
    this.#sizes.close();
  }

  #show(sink: SeriesSink, row: MountRow, nowMs: number): void {
    const changed = row.reading < this.#reading - 1;
    // What was away for long may have lost its slots.
    if (changed && row.reading !== -1) row.slots = declareMount(sink, row.labels) ?? row.slots;
    row.reading = this.#reading;
    const size = this.#sizes.at(row.path, row.kind, changed);
    const { slots } = row;
    const state = size.stateAt(nowMs);
    // Of two mounts with the same labels the first is shown.
    if (state === 'none' || !size.show(slots[0]!)) return;
    sink.set(slots[0]!, state === 'failed' ? 1 : 0);
    if (state === 'failed') return;
    sink.set(slots[1]!, size.sizeBytes);
    sink.set(slots[2]!, size.freeBytes);
    sink.set(slots[3]!, size.availableBytes);
    sink.set(slots[4]!, size.files);
    sink.set(slots[5]!, size.filesFree);
    sink.set(slots[6]!, row.readOnly ? 1 : 0);
  }

  #showLate(sink: SeriesSink): void {
    if (this.#stalledSlot === -1) {
      this.#stalledSlot = sink.declare(STALLED);
      this.#timeoutsSlot = sink.declare(TIMEOUTS);
    }
    sink.set(this.#stalledSlot, this.#sizes.late);
    sink.set(this.#timeoutsSlot, this.#sizes.lateTotal);
  }
}

/** The row of a whole line, so that a change of its options makes another row. */
function mountRow(scan: ByteScanner, sink: SeriesSink, filter: MountFilter): MountRow | null {
  const entry = parseMountEntry(scan.wordText());
  if (entry === null) {
    sink.malformed('filesystem', scan.lineExcerpt());
    return null;
  }
  const { device, fsType, readOnly } = entry;
  const { root } = filter;
  const mountPoint = withoutRoot(entry.mountPoint, root);
  if (filter.mountPointsExclude.test(mountPoint) || filter.typesExclude.test(fsType)) return null;
  const labels: Label[] = [
    ['device', device],
    ['fstype', fsType],
    ['mountpoint', mountPoint],
  ];
  const slots = declareMount(sink, labels);
  if (slots === null) return null;
  const path = root + (mountPoint === '/' && root !== '' ? '' : mountPoint);
  return { slots, labels, path, kind: kindOf(fsType), readOnly, reading: -1 };
}

function kindOf(fsType: string): FilesystemKind {
  if (isRemoteType(fsType)) return 'remote';
  return isMemoryType(fsType) ? 'memory' : 'local';
}

function declareMount(sink: SeriesSink, labels: readonly Label[]): Int32Array | null {
  return declareRow(sink, 'filesystem', METRICS, labels);
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
  options: SourceOptions = {},
  questions: Partial<FilesystemQuestions> = {},
): Source {
  const filter: MountFilter = {
    root: paths.rootfs.replace(/\/+$/, ''),
    mountPointsExclude: options.filesystemMountPointsExclude ?? MOUNT_POINTS_EXCLUDED,
    typesExclude: options.filesystemTypesExclude ?? TYPES_EXCLUDED,
  };
  const system = new SystemStatfs();
  const mounts = new Mounts(paths.procfs, filter, {
    inThread: (path) => system.inThread(path),
    byChild: (path) => system.byChild(path),
    directly: (path) => statfsSync(path),
    // The monotonic clock: a step of the system's must not make an answer late.
    nowMs: () => performance.now(),
    ...questions,
  });
  return sourceFromParts('filesystem', [mounts, { read: () => {}, close: () => system.close() }]);
}
