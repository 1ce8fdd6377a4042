import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { recentName, WATCHED_COUNTERS } from '../../../pipeline/telemetry/recent-increase.ts';
import { comparisonHolds } from '../../promql/comparison.ts';
import { selects } from '../condition.ts';
import { parseRuleFile } from '../rule-file.ts';
import type { AlertRule } from '../rule.ts';

const path = new URL('../default.yaml', import.meta.url);
const file = parseRuleFile(readFileSync(path, 'utf8'), 'default.yaml');
const rules = file.groups.flatMap((group) => group.rules);

type Series = readonly [metric: string, labels: Record<string, string>, value: number];

function firing(series: readonly Series[]): string[] {
  const fires = (rule: AlertRule, [metric, labels, value]: Series): boolean =>
    selects(rule.condition.selector, metric, (name) => labels[name]) &&
    comparisonHolds(rule.condition.operator, value, rule.condition.threshold);
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

const disk = { device: '/dev/sda1', fstype: 'ext4', mountpoint: '/' };
const HEALTHY: readonly Series[] = [
  ['up', { job: 'node' }, 1],
  ['rollcall_target_clock_skew_seconds', {}, 0.02],
  ['rollcall_target_frames_quarantined', {}, 0],
  ['rollcall_agent_ring_fill_ratio', {}, 0.001],
  ['rollcall_agent_ring_dropped_frames_total', { fleet: 'f' }, 0],
  ['rollcall_parts_unowned', { role: 'writer' }, 0],
  ['rollcall_collector_connections_paused', {}, 0],
  ['rollcall_collector_publish_fill_ratio', {}, 0.1],
  ['rollcall_collector_quarantine_refused_10m', {}, 0],
  ['rollcall_stream_fill_ratio', { stream: 'f_lane_4x0' }, 0.5],
  ['rollcall_stream_fill_ratio', { stream: 'f_log' }, 0.5],
  ['rollcall_stream_fill_ratio', { stream: 'f_parked' }, 0.9],
  ['rollcall_stream_messages', { stream: 'f_lane_4x0' }, 1e6],
  ['rollcall_stream_messages', { stream: 'f_parked' }, 0],
  ['rollcall_writer_parking_dropped_10m', {}, 0],
  ['rollcall_writer_buffer_fill_ratio', { lane: '4x0' }, 0.3],
  ['rollcall_writer_lag_messages', { lane: '4x0' }, 3],
  ['rollcall_writer_freshness_seconds', {}, 2],
  ['rollcall_writer_duplicate_frames_10m', { lane: '4x0' }, 0],
  ['rollcall_writer_projection_age_seconds', {}, 1],
  ['rollcall_alerter_latency_seconds', { lane: '4x0' }, 0.1],
  ['rollcall_alerter_lag_messages', { lane: '4x0' }, 1],
  ['rollcall_alerter_missed_messages_10m', { lane: '4x0' }, 0],
  ['rollcall_alerter_frames_unknown_catalogue_10m', { lane: '4x0' }, 0],
  ['rollcall_alerter_alerts_refused_10m', {}, 0],
  ['rollcall_alerter_delivery_lag_records', { receiver: 'terminal' }, 0],
  ['rollcall_alerter_notifications_rejected_10m', { receiver: 'terminal' }, 0],
  ['rollcall_alerter_delivery_missed_records_10m', { receiver: 'terminal' }, 0],
  ['node_memory_MemAvailable_bytes', {}, 3e9],
  ['node_memory_HardwareCorrupted_bytes', {}, 0],
  ['node_filesystem_avail_bytes', disk, 2e10],
  ['node_filesystem_avail_bytes', { fstype: 'vfat', mountpoint: '/boot/efi' }, 1e8],
  ['node_filesystem_avail_bytes', { fstype: 'ext4', mountpoint: '/boot' }, 2e8],
  ['node_filesystem_avail_bytes', { fstype: 'squashfs', mountpoint: '/snap/core/1' }, 0],
  ['node_filesystem_files_free', disk, 1e6],
  ['node_filesystem_files_free', { fstype: 'btrfs', mountpoint: '/home' }, 0],
  ['node_filesystem_readonly', disk, 0],
  ['node_filesystem_readonly', { fstype: 'iso9660', mountpoint: '/media/cdrom' }, 1],
  ['node_filesystem_readonly', { fstype: 'ext4', mountpoint: '/usr' }, 1],
  ['node_filesystem_device_error', disk, 0],
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
    [['rollcall_target_frames_quarantined', {}, 1], 'FramesQuarantined'],
    [['rollcall_agent_ring_fill_ratio', {}, 0.6], 'AgentRingFills'],
    [['rollcall_agent_ring_dropped_frames_total', { fleet: 'f' }, 1], 'AgentRingDropped'],
    [['rollcall_parts_unowned', { role: 'writer' }, 1], 'PartsUnowned'],
    [['rollcall_collector_connections_paused', {}, 1], 'CollectorThrottled'],
    [['rollcall_collector_publish_fill_ratio', {}, 0.9], 'PublishingStuck'],
    [['rollcall_collector_quarantine_refused_10m', {}, 1], 'QuarantineRefused'],
    [['rollcall_stream_fill_ratio', { stream: 'f_lane_4x0' }, 0.8], 'LaneAlmostFull'],
    [['rollcall_stream_fill_ratio', { stream: 'f_state' }, 0.8], 'StreamAlmostFull'],
    [['rollcall_stream_messages', { stream: 'f_parked' }, 1], 'MessagesParked'],
    [['rollcall_writer_parking_dropped_10m', {}, 1], 'ParkedMessagesLost'],
    [['rollcall_writer_buffer_fill_ratio', { lane: '4x0' }, 0.9], 'WriterBufferAlmostFull'],
    [['rollcall_writer_lag_messages', { lane: '4x0' }, 5000], 'WriterLags'],
    [['rollcall_writer_freshness_seconds', {}, 61], 'StoredSamplesOld'],
    [['rollcall_writer_duplicate_frames_10m', { lane: '4x0' }, 1], 'FramesSentTwice'],
    [['rollcall_writer_projection_age_seconds', {}, 61], 'ProjectionStale'],
    [['rollcall_alerter_latency_seconds', { lane: '4x0' }, 16], 'AlerterLate'],
    [['rollcall_alerter_lag_messages', { lane: '4x0' }, 201], 'AlerterLags'],
    [['rollcall_alerter_missed_messages_10m', { lane: '4x0' }, 1], 'AlerterMissedFrames'],
    [['rollcall_alerter_frames_unknown_catalogue_10m', {}, 1], 'FramesNotEvaluated'],
    [['rollcall_alerter_alerts_refused_10m', {}, 1], 'AlertsRefused'],
    [['rollcall_alerter_delivery_lag_records', { receiver: 'x' }, 1], 'PagesNotDelivered'],
    [['rollcall_alerter_notifications_rejected_10m', { receiver: 'x' }, 1], 'PagesRejected'],
    [['rollcall_alerter_delivery_missed_records_10m', { receiver: 'x' }, 1], 'PagesMissed'],
    [['node_memory_MemAvailable_bytes', {}, 1e8], 'MemoryAlmostGone'],
    [['node_memory_HardwareCorrupted_bytes', {}, 4096], 'MemoryCorrupted'],
    [['node_filesystem_avail_bytes', disk, 1e8], 'FilesystemAlmostFull'],
    [['node_filesystem_files_free', disk, 10], 'FilesystemAlmostOutOfInodes'],
    [['node_filesystem_readonly', disk, 1], 'FilesystemReadOnly'],
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

const root = fileURLToPath(new URL('../../../', import.meta.url));
const sources = globSync('{agent,collector,pipeline,alerter}/**/*.ts', { cwd: root })
  .filter((path) => !path.includes('/test/'))
  .map((path) => readFileSync(`${root}${path}`, 'utf8'));

/** Whether a source registers the metric: by its name, or by a common beginning and the rest. */
function isRegistered(metric: string): boolean {
  return sources.some((source) => {
    if (source.includes(`'${metric}'`)) return true;
    const beginnings = [...source.matchAll(/`(rollcall_\w+_)\$\{/g)].map(([, text]) => text!);
    return beginnings.some((text) => {
      return metric.startsWith(text) && source.includes(`'${metric.slice(text.length)}'`);
    });
  });
}

await t.test('every metric that a rule names exists', (t) => {
  const ofHosts = readFileSync(`${root}docs/metrics.md`, 'utf8');
  const recent = new Map([...WATCHED_COUNTERS].map((name) => [recentName(name), name]));
  for (const { alert, condition } of rules) {
    const metric = condition.selector.metric!;
    const exists =
      metric === 'up' ||
      ofHosts.includes(`\`${metric}\``) ||
      isRegistered(recent.get(metric) ?? metric);
    t.ok(exists, `${alert}: ${metric}`);
  }
  for (const counter of WATCHED_COUNTERS) t.ok(isRegistered(counter), counter);
  t.end();
});
