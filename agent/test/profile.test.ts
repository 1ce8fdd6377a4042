import t from 'tap';
import { selection } from '../profile.ts';

await t.test('the standard profile keeps what common rules ask for, and no part of a name', (t) => {
  const keeps = selection({ profile: 'standard' });
  for (const metric of [
    'node_cpu_seconds_total',
    'node_memory_MemAvailable_bytes',
    'node_filesystem_avail_bytes',
    'node_network_receive_errs_total',
    'node_timex_sync_status',
    'node_textfile_scrape_error',
    'node_md_disks',
    'rollcall_agent_ring_dropped_frames_total',
  ]) {
    t.ok(keeps(metric, 'any'), metric);
  }
  for (const metric of ['node_schedstat_running_seconds_total', 'xnode_load1', 'node_load11']) {
    t.notOk(keeps(metric, 'any'), metric);
  }
  t.ok(keeps('anything_at_all', 'textfile'), 'people keep what they write themselves');
  t.end();
});

await t.test('what is excluded is left out, whatever else says that it is kept', (t) => {
  const keeps = selection({
    profile: 'standard',
    include: /^extra_.*$/,
    exclude: /^(node_load1|extra_b|x)$/,
  });
  t.ok(keeps('extra_a', 'any'));
  t.notOk(keeps('extra_b', 'any'));
  t.notOk(keeps('node_load1', 'any'));
  t.notOk(keeps('x', 'textfile'));
  t.notOk(selection({ profile: 'full', exclude: /^x$/ })('x', 'any'));
  t.ok(selection({ profile: 'full' })('x', 'any'));
  t.end();
});
