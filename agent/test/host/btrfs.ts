import type { HostFiles } from './host-files.ts';

interface Profile {
  readonly mode: string;
  readonly total: number;
  readonly used: number;
}

interface Filesystem {
  readonly uuid: string;
  readonly label: string;
  readonly metadataUuid?: string;
  /** Sizes in sectors by name. */
  readonly devices: Readonly<Record<string, number>>;
  readonly groups: Readonly<Record<'data' | 'metadata' | 'system', readonly Profile[]>>;
  readonly reserved: number;
  /** As `commit_stats` has them; older kernels do not. */
  readonly commits?: readonly [number, number, number, number, number];
  /** Errors by device number, as `error_stats` has them; older kernels do not. */
  readonly errors?: Readonly<Record<number, string>>;
}

const POOL: Filesystem = {
  uuid: '5bdc7b94-7c41-4eb5-83dd-6e3dd5bb8a66',
  label: 'media pool\n',
  devices: { sda: 15628053168, sdb: 15628053168, sdc: 15628053168, sdd: 11721045168 },
  groups: {
    data: [{ mode: 'raid6', total: 21474836480000, used: 18253611008000 }],
    metadata: [
      { mode: 'raid1c3', total: 32212254720, used: 21474836480 },
      { mode: 'raid1', total: 1073741824, used: 0 },
    ],
    system: [{ mode: 'raid1c3', total: 33554432, used: 1343488 }],
  },
  reserved: 49152,
  commits: [214748, 0, 41, 18234, 9_876_543],
  errors: {
    1: 'write_errs 0\nread_errs 0\nflush_errs 0\ncorruption_errs 0\ngeneration_errs 0\n',
    2: 'write_errs 7\nread_errs 1911\nflush_errs 2\ncorruption_errs 13\ngeneration_errs 1\n',
    // A device that is missing.
    4: 'invalid\n',
  },
};
const ROOT: Filesystem = {
  uuid: '1b7c61a4-5c7a-4f0e-8f93-7d2b61a0f7ee',
  metadataUuid: '90a1c2d3-e4f5-4a6b-8c7d-0e1f2a3b4c5d',
  label: '',
  devices: { nvme0n1p3: 1000000000 },
  groups: {
    data: [{ mode: 'single', total: 107374182400, used: 53687091200 }],
    metadata: [{ mode: 'dup', total: 2147483648, used: 805306368 }],
    system: [{ mode: 'dup', total: 8388608, used: 16384 }],
  },
  reserved: 0,
  commits: [5, 1, 2, 3, 1500],
  errors: { 1: 'write_errs 1\nread_errs 2\nflush_errs 3\ncorruption_errs 4\ngeneration_errs 5\n' },
};
/** On Linux 4.19: no counts of commits and errors, no `metadata_uuid`. */
const OLD: Filesystem = {
  uuid: 'c0ffee00-0000-4000-8000-000000000001',
  label: 'backup\n',
  devices: { dm_crypt: 2048, sdq: 4096, sdr: 4096 },
  groups: {
    data: [{ mode: 'raid5', total: 1000, used: 500 }],
    metadata: [{ mode: 'raid10', total: 100, used: 50 }],
    system: [{ mode: 'raid0', total: 10, used: 5 }],
  },
  reserved: 4096,
};

const KERNEL_FEATURES: HostFiles = {
  'sys/fs/btrfs/features/raid1c34': '0\n',
  'sys/fs/btrfs/features/supported_checksums': 'crc32c xxhash64 sha256 blake2b\n',
};

function files({ uuid, metadataUuid = uuid, ...rest }: Filesystem): HostFiles {
  const top = `sys/fs/btrfs/${uuid}`;
  const all: Record<string, string> = {
    [`${top}/label`]: rest.label,
    [`${top}/nodesize`]: '16384\n',
    [`${top}/sectorsize`]: '4096\n',
    [`${top}/clone_alignment`]: '4096\n',
    [`${top}/quota_override`]: '0\n',
    [`${top}/features/skinny_metadata`]: '1\n',
    [`${top}/allocation/global_rsv_size`]: '536870912\n',
    [`${top}/allocation/global_rsv_reserved`]: '536870912\n',
  };
  if (rest.errors !== undefined) all[`${top}/metadata_uuid`] = `${metadataUuid}\n`;
  for (const [device, sectors] of Object.entries(rest.devices)) {
    all[`${top}/devices/${device}/size`] = `${sectors}\n`;
  }
  for (const [type, profiles] of Object.entries(rest.groups)) {
    const group = `${top}/allocation/${type}`;
    all[`${group}/bytes_reserved`] = `${type === 'data' ? rest.reserved : 0}\n`;
    all[`${group}/bytes_may_use`] = '0\n';
    all[`${group}/flags`] = '1\n';
    for (const { mode, total, used } of profiles) {
      all[`${group}/${mode}/total_bytes`] = `${total}\n`;
      all[`${group}/${mode}/used_bytes`] = `${used}\n`;
    }
  }
  if (rest.commits !== undefined) {
    const [commits, current, last, max, total] = rest.commits;
    all[`${top}/commit_stats`] =
      `commits ${commits}\ncur_commit_ms ${current}\nlast_commit_ms ${last}\n` +
      `max_commit_ms ${max}\ntotal_commit_ms ${total}\n`;
  }
  for (const [id, errors] of Object.entries(rest.errors ?? {})) {
    all[`${top}/devinfo/${id}/error_stats`] = errors;
    all[`${top}/devinfo/${id}/missing`] = '0\n';
  }
  return all;
}

export const btrfsFiles: HostFiles = {
  ...KERNEL_FEATURES,
  ...files(POOL),
  ...files(ROOT),
  ...files(OLD),
};
