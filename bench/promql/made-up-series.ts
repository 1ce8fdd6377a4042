import { isMeant } from '../../alerter/promql/engine/series-source.ts';
import type {
  SeriesSource,
  SourceSample,
  SourceSeries,
} from '../../alerter/promql/engine/series-source.ts';
import { Labels } from '../../alerter/promql/engine/labels.ts';
import type { SeededRandom } from '../fleet/random.ts';

/** Samples are this far apart where there are any. */
export const STEP_MS = 15_000;
export const STEPS = 60;
const GAP_SHARE = 0.06;
const END_SHARE = 0.03;
const RESET_SHARE = 0.05;
const ODD_VALUES = [NaN, Infinity, -Infinity, 0, 1, -1, 3.5] as const;

/** How the next value follows from the one before. */
type Course = (value: number, random: SeededRandom) => number;

const COUNTER: Course = (value, random) =>
  random.next() < RESET_SHARE ? random.below(5) : value + random.below(20);
const GAUGE: Course = (_, random) => Math.round(random.between(-500, 500)) / 8;
const ODD: Course = (_, random) => ODD_VALUES[random.below(ODD_VALUES.length)]!;
const ONE: Course = () => 1;

/** Series with gaps, ends, resets, NaN and infinities; some of one name, some that belong together by their labels. */
export class MadeUpSeries implements SeriesSource {
  readonly series: readonly SourceSeries[];

  constructor(random: SeededRandom) {
    const pick = (...texts: string[]): string => texts[random.below(texts.length)]!;
    const made: SourceSeries[] = [];
    const add = (course: Course, name: string, labels: Readonly<Record<string, string>>): void => {
      const all = Labels.of([['__name__', name], ...Object.entries(labels)]);
      made.push({ labels: all, samples: samplesOf(course, random) });
    };
    for (const instance of ['a', 'b', 'c']) {
      for (const mode of ['idle', 'user']) add(COUNTER, 'cpu_total', { instance, mode, job: 'n' });
      add(GAUGE, 'mem', { instance, job: 'n' });
      add(ODD, 'odd', { instance, job: pick('n', 'm') });
      add(ONE, 'info', { instance, version: pick('1', '2') });
    }
    for (const instance of ['a', 'b']) {
      for (const le of ['0.1', '1', '10', '+Inf']) add(COUNTER, 'lat_bucket', { instance, le });
    }
    this.series = made;
  }

  select(
    selector: Parameters<SeriesSource['select']>[0],
    fromMs: number,
    toMs: number,
  ): SourceSeries[] {
    return this.series
      .filter(({ labels }) => isMeant(selector, labels))
      .map(({ labels, samples }) => ({
        labels,
        samples: samples.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs),
      }))
      .filter(({ samples }) => samples.length > 0);
  }
}

function samplesOf(course: Course, random: SeededRandom): SourceSample[] {
  const samples: SourceSample[] = [];
  let value = random.below(100);
  for (let step = 0; step < STEPS; step += 1) {
    const fate = random.next();
    if (fate < GAP_SHARE) continue;
    const timeMs = step * STEP_MS;
    if (fate < GAP_SHARE + END_SHARE) samples.push({ timeMs, value: undefined });
    else {
      value = course(value, random);
      samples.push({ timeMs, value });
    }
  }
  return samples;
}
