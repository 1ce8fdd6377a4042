import t from 'tap';
import { History } from '../history.ts';
import type { Stretch } from '../history.ts';

const OPTIONS = {
  hosts: 3,
  metrics: 110,
  intervalMs: 1000,
  durationMs: 60_000,
  endMs: 1_800_000_000_000,
  seed: 1,
};

/** Every bit of it, in one text: comparing thousands of numbers one by one takes tap seconds. */
function textOf(stretches: readonly Stretch[]): string {
  const times = stretches.flatMap(({ timestampsMs }) => timestampsMs).join(' ');
  const rows = stretches.map((each) => Buffer.from(each.rows.buffer));
  return `${times} ${Buffer.concat(rows).toString('base64')}`;
}

await t.test('it can be read in pieces, and is the same each time', (t) => {
  const history = new History(OPTIONS);
  t.equal(history.samples, 3 * 60 * 110);
  const whole = history.hosts().map((host) => [host.until(history.endMs)]);
  const pieces = history.hosts().map((host) => {
    const ends = [history.startMs + 7777, history.startMs + 7777, Infinity];
    return ends.map((at) => host.until(at));
  });
  t.same(pieces.map(textOf), whole.map(textOf));
  t.equal(new Set(whole.map(textOf)).size, OPTIONS.hosts, 'hosts differ');
  t.end();
});

await t.test('every host ticks in every interval, never where windows begin and end', (t) => {
  const history = new History({ ...OPTIONS, hosts: 200 });
  const wrong = history.hosts().filter((host) => {
    const { timestampsMs } = host.until(Infinity);
    const intervals = timestampsMs.map((at) => Math.floor(at / OPTIONS.intervalMs));
    return (
      timestampsMs.length !== history.ticks ||
      new Set(intervals).size !== history.ticks ||
      timestampsMs.some((at) => at % OPTIONS.intervalMs === 0) ||
      timestampsMs[0]! <= history.startMs ||
      timestampsMs.at(-1)! >= history.endMs
    );
  });
  t.same(
    wrong.map(({ instance }) => instance),
    [],
  );
  t.end();
});
