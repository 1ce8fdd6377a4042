/** A mounted filesystem as `/proc/<pid>/mounts` lists it. */
export interface MountEntry {
  /** As the kernel writes it, escapes included, which is how node_exporter labels it. */
  readonly device: string;
  /** The path below which the filesystem is seen, escapes resolved. */
  readonly mountPoint: string;
  readonly fsType: string;
  readonly readOnly: boolean;
}

/** Types that answer statfs(2) from memory, without a lock that I/O could hold. */
const MEMORY_TYPES = /^(ext[234]|tmpfs|ramfs)$/;

/** Types whose data is on another machine, or in a program, that may never answer. */
const REMOTE_TYPES =
  /^(nfs4?|cifs|smb3|smbfs|ncpfs|afs|coda|9p|ceph|glusterfs|lustre|gfs2?|ocfs2|gpfs|beegfs|orangefs|pvfs2|virtiofs|davfs|fuse(blk|\..*)?)$/;

/**
 * Parses `device mountpoint fstype options dump pass` (fstab(5), proc_pid_mounts(5)); null if
 * there are fewer than the first four. Blanks and backslashes in a path are octal escapes.
 */
export function parseMountEntry(line: string): MountEntry | null {
  const [device, mountPoint, fsType, options] = line.split(/[ \t]+/);
  if (device === undefined || mountPoint === undefined || fsType === undefined) return null;
  if (options === undefined || !mountPoint.startsWith('/')) return null;
  return {
    device,
    mountPoint: resolveEscapes(mountPoint),
    fsType,
    readOnly: options.split(',').includes('ro'),
  };
}

/** Whether asking for the filesystem's size cannot hang. */
export function isMemoryType(fsType: string): boolean {
  return MEMORY_TYPES.test(fsType);
}

/** Whether to expect that asking for the filesystem's size can hang. */
export function isRemoteType(fsType: string): boolean {
  return REMOTE_TYPES.test(fsType);
}

function resolveEscapes(path: string): string {
  return path.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}
