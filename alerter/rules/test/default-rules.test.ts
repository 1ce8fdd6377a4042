import { readFileSync } from 'node:fs';
import t from 'tap';
import { comparisonHolds, selects } from '../expression.ts';
import { parseRuleFile } from '../rule-file.ts';
import type { AlertRule } from '../rule.ts';

const path = new URL('../default.yaml', import.meta.url);
const file = parseRuleFile(readFileSync(path, 'utf8'), 'default.yaml');
const rules = file.groups.flatMap((group) => group.rules);

type Series = readonly [metric: string, labels: Record<string, string>, value: number];

function firing(series: readonly Series[]): string[] {
  const fires = (rule: AlertRule, [metric, labels, value]: Series): boolean =>
    selects(rule.expr.left, metric, (name) => labels[name]) &&
    comparisonHolds(rule.expr.operator, value, rule.expr.right.value);
  return rules.filter((rule) => series.some((one) => fires(rule, one))).map((rule) => rule.alert);
}

await t.test('the default rules have no problems, and each says what is wrong and how bad', (t) => {
  t.same(file.problems, []);
  t.equal(new Set(rules.map((rule) => rule.alert)).size, rules.length);
  for (const rule of rules) {
    t.match(rule.labels.severity?.text, /^(?:none|warning|critical)$/, rule.alert);
    t.ok(rule.annotations.summary, rule.alert);
    t.ok(rule.annotations.description, rule.alert);
  }
  t.end();
});

const root = { device: '/dev/sda1', fstype: 'ext4', mountpoint: '/' };
const HEALTHY: readonly Series[] = [
  ['up', { job: 'node' }, 1],
  ['rollcall_target_clock_skew_seconds', {}, 0.02],
  ['node_memory_MemAvailable_bytes', {}, 3e9],
  ['node_memory_HardwareCorrupted_bytes', {}, 0],
  ['node_filesystem_avail_bytes', root, 2e10],
  ['node_filesystem_avail_bytes', { fstype: 'vfat', mountpoint: '/boot/efi' }, 1e8],
  ['node_filesystem_avail_bytes', { fstype: 'ext4', mountpoint: '/boot' }, 2e8],
  ['node_filesystem_avail_bytes', { fstype: 'squashfs', mountpoint: '/snap/core/1' }, 0],
  ['node_filesystem_files_free', root, 1e6],
  ['node_filesystem_files_free', { fstype: 'btrfs', mountpoint: '/home' }, 0],
  ['node_filesystem_readonly', root, 0],
  ['node_filesystem_readonly', { fstype: 'iso9660', mountpoint: '/media/cdrom' }, 1],
  ['node_filesystem_readonly', { fstype: 'ext4', mountpoint: '/usr' }, 1],
  ['node_filesystem_device_error', root, 0],
  ['node_filesystem_device_error', { fstype: 'overlay', mountpoint: '/var/lib/docker/x' }, 1],
  ['node_filefd_allocated', {}, 5000],
  ['node_md_disks', { device: 'md0', state: 'active' }, 2],
  ['node_md_disks', { device: 'md0', state: 'failed' }, 0],
  ['node_edac_uncorrectable_errors_total', {}, 0],
];

await t.test('a healthy host fires nothing, and the centre only Watchdog', (t) => {
  t.same(firing(HEALTHY), []);
  t.same(firing([...HEALTHY, ['up', { job: 'rollcall' }, 1]]), ['Watchdog']);
  t.end();
});

await t.test('each condition fires on the host that it is meant for', (t) => {
  const sick: readonly (readonly [Series, string])[] = [
    [['up', { job: 'rollcall' }, 0], 'TargetDown'],
    [['rollcall_target_clock_skew_seconds', {}, 6], 'TargetClockAhead'],
    [['rollcall_target_clock_skew_seconds', {}, -6], 'TargetClockBehind'],
    [['node_memory_MemAvailable_bytes', {}, 1e8], 'MemoryAlmostGone'],
    [['node_memory_HardwareCorrupted_bytes', {}, 4096], 'MemoryCorrupted'],
    [['node_filesystem_avail_bytes', root, 1e8], 'FilesystemAlmostFull'],
    [['node_filesystem_files_free', root, 10], 'FilesystemAlmostOutOfInodes'],
    [['node_filesystem_readonly', root, 1], 'FilesystemReadOnly'],
    [
      ['node_filesystem_readonly', { fstype: 'xfs', mountpoint: '/var/lib/mysql' }, 1],
      'FilesystemReadOnly',
    ],
    [['node_filesystem_device_error', { fstype: 'nfs4' }, 1], 'FilesystemDeviceError'],
    [['node_filefd_allocated', {}, 3e6], 'TooManyOpenFiles'],
    [['node_md_disks', { state: 'failed' }, 1], 'RaidDiskFailed'],
    [['node_edac_uncorrectable_errors_total', {}, 1], 'MemoryErrorsUncorrected'],
  ];
  for (const [series, alert] of sick) t.same(firing([series]), [alert]);
  t.end();
});
