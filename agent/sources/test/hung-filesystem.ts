import { setImmediate } from 'node:timers/promises';
import { ANSWER_MS_MAX } from '../filesystem-size.ts';
import { filesystemSource } from '../filesystem.ts';
import { RecordingSink } from './recording-sink.ts';

/**
 * Reads `/proc/1/mounts` below the directory that is its argument, where one filesystem hangs,
 * until all others have answered and that one is late; prints what is shown and ends, if it can.
 */
const [directory = ''] = process.argv.slice(2);
const sink = new RecordingSink();
let lateMs = 0;
const source = filesystemSource(
  { procfs: `${directory}/proc`, sysfs: '/sys', rootfs: '/' },
  {},
  { nowMs: () => performance.now() + lateMs },
);
// What agents do, which must not keep the end from coming either.
process.on('SIGTERM', () => {});

function answers(): Record<string, number> {
  const shown: Record<string, number> = {};
  for (const [key, value] of Object.entries(sink.tick(source))) {
    const mountPoint = /^node_filesystem_device_error.*mountpoint="([^"]*)"/.exec(key)?.[1];
    if (mountPoint !== undefined) shown[mountPoint.replace(directory, '')] = value;
    if (key === 'rollcall_agent_filesystem_stalled') shown['stalled'] = value;
  }
  return shown;
}

let shown = answers();
while (shown['/'] === undefined || shown['/proc'] === undefined) {
  await setImmediate();
  shown = answers();
}
// For the source only: what has not answered by now is late, until it answers.
lateMs = ANSWER_MS_MAX + 1;
while (shown['stalled'] !== 1 || shown['/'] !== 0) {
  await setImmediate();
  shown = answers();
}
process.stdout.write(JSON.stringify(shown), () => {
  source.close();
  process.exit(0);
});
