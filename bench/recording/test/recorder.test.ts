import t from 'tap';
import { encodeCatalogue } from '../../../pipeline/wire/catalogue.ts';
import type { SeriesInfo } from '../../../pipeline/wire/catalogue.ts';
import { frameBytes, presenceBytes, writeFrame } from '../../../pipeline/wire/frame.ts';
import { Recorder } from '../recorder.ts';

const gauge = (name: string): SeriesInfo => ({
  name,
  labels: [],
  kind: 'gauge',
  unit: '',
  help: '',
});

function frameOf(values: readonly (number | undefined)[]): Buffer {
  const slots = values.length;
  const presence = new Uint8Array(presenceBytes(slots));
  for (const [i, value] of values.entries()) {
    if (value !== undefined) presence[i >> 3]! |= 1 << (i & 7);
  }
  const frame = Buffer.alloc(frameBytes(slots));
  const head = { incarnation: 1n, seq: 1, timestampMs: 0, catalogue: 0n, slots };
  writeFrame(
    frame,
    0,
    head,
    presence,
    Float64Array.from(values, (value) => value ?? 0),
  );
  return frame;
}

await t.test('series keep their values when the catalogue changes', (t) => {
  const recorder = new Recorder((key) => key !== 'node_unwanted');
  recorder.catalogue(encodeCatalogue([gauge('node_a'), gauge('node_unwanted'), gauge('node_b')]));
  recorder.frame(frameOf([1, 9, undefined]), 0);
  recorder.frame(frameOf([2, 9, 0.5]), 0);
  recorder.catalogue(encodeCatalogue([gauge('node_b'), gauge('node_c'), gauge('node_never')]));
  recorder.frame(frameOf([0.75, NaN, undefined]), 0);
  const { intervalMs, ticks, series } = recorder.recording(5000);
  t.same([intervalMs, ticks], [5000, 3]);
  t.same(
    series.map(({ name, values, present }) => [name, [...values], [...present]]),
    [
      ['node_a', [1, 2, 0], [1, 1, 0]],
      ['node_b', [0, 0.5, 0.75], [0, 1, 1]],
      ['node_c', [0, 0, NaN], [0, 0, 1]],
    ],
  );
  t.end();
});
