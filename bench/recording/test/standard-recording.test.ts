import { readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { doesVary, isWhole } from '../recording.ts';
import { STANDARD_RECORDING, standardRecording } from '../standard-recording.ts';

const METRICS = new URL('../../../docs/metrics.md', import.meta.url);

await t.test('the recording that comes with the project is what fleets need', (t) => {
  const { series, ticks, intervalMs } = standardRecording();
  t.ok(statSync(STANDARD_RECORDING).size < 300 * 1024, 'it is small');
  t.equal(intervalMs, 5000);
  t.ok(ticks >= 300, 'it is half an hour long');
  const whole = series.filter((each) => isWhole(each));
  t.ok(whole.length >= 200, 'there at every tick');
  const document = readFileSync(METRICS, 'utf8');
  const unknown = series.filter(({ name }) => !document.includes(`\`${name}\``));
  t.same(
    unknown.map(({ name }) => name),
    [],
    'the document of metrics has all of them',
  );
  const varying = whole.filter((each) => doesVary(each));
  const counters = varying.filter(({ kind }) => kind === 'counter');
  t.ok(counters.length >= 30, 'counters that grow');
  for (const { name, values } of counters) {
    t.ok(
      values.every((value, tick) => tick === 0 || value >= values[tick - 1]!),
      `${name} grows`,
    );
  }
  t.ok(varying.filter(({ kind }) => kind === 'gauge').length >= 30, 'gauges that wander');
  t.ok(whole.length - varying.length >= 50, 'constants');
  t.end();
});
