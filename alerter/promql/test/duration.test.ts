import fc from 'fast-check';
import t from 'tap';
import { formatDuration, parseDuration } from '../duration.ts';

function ms(text: string): number | string {
  const result = parseDuration(text);
  return result.ok ? result.value : (result.faults[0]?.message ?? '');
}

await t.test('every unit of Prometheus counts, from years to milliseconds', (t) => {
  t.equal(ms('500ms'), 500);
  t.equal(ms('15s'), 15_000);
  t.equal(ms('1h30m'), 5_400_000);
  t.equal(ms('5d'), 5 * 86_400_000);
  t.equal(ms('1w'), 7 * 86_400_000);
  t.equal(ms('1y'), 365 * 86_400_000);
  t.equal(ms('1y2w3d4h5m6s7ms'), 365 * 86_400_000 + 17 * 86_400_000 + 14_706_007);
  t.end();
});

await t.test('a bare zero needs no unit', (t) => {
  t.equal(ms('0'), 0);
  t.equal(ms('0s'), 0);
  t.end();
});

await t.test('what Prometheus refuses is refused', (t) => {
  const bad = [
    '',
    '1',
    '-1s',
    '+1s',
    '1.5h',
    '1 h',
    ' 1h',
    '1h ',
    '1m1h',
    '1s1s',
    '1ms1s',
    '1H',
    'h',
  ];
  for (const text of [...bad, '00', '293y', '99999999999999999999y']) {
    t.equal(parseDuration(text).ok, false, JSON.stringify(text));
  }
  t.match(ms('5'), '"5" is not a duration');
  t.end();
});

await t.test('years and weeks are written only when they come out even', (t) => {
  t.equal(formatDuration(0), '0s');
  t.equal(formatDuration(90 * 86_400_000), '90d');
  t.equal(formatDuration(14 * 86_400_000), '2w');
  t.equal(formatDuration(730 * 86_400_000), '2y');
  t.equal(formatDuration(5_400_500), '1h30m500ms');
  t.end();
});

await t.test('a written duration reads back', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_000_000_000_000 }), (durationMs) => {
      return ms(formatDuration(durationMs)) === durationMs;
    }),
  );
  t.end();
});
