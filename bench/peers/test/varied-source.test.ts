import t from 'tap';
import { Replay } from '../../recording/replay.ts';
import { standardRecording } from '../../recording/standard-recording.ts';
import { unitsOf, VariedSource } from '../varied-source.ts';
import { seriesOf } from '../../fleet/http-exposition.ts';

const LAPS = 4;
const replay = new Replay(standardRecording(), 200);
const units = unitsOf(replay);
const names = seriesOf(replay).map(({ name }) => name);

/** A series over some laps, a value a tick. */
function columnsOf(seed: number): Float64Array[] {
  const source = new VariedSource(replay, units, seed);
  const ticks = LAPS * replay.ticks;
  const rows = new Float64Array(ticks * replay.count);
  for (let tick = 0; tick < ticks; tick += 1) source.next(rows, tick * replay.count);
  return names.map((_, i) =>
    Float64Array.from({ length: ticks }, (__, at) => rows[at * replay.count + i]!),
  );
}

const columns = columnsOf(1);

await t.test('series move in their own steps, and those that stand still do so', (t) => {
  const memory = columns[names.indexOf('node_memory_MemFree_bytes')]!;
  t.ok(memory.every((value) => value % 4096 === 0));
  t.equal(new Set(columns[names.indexOf('node_memory_MemTotal_bytes')]).size, 1);
  const load = columns[names.indexOf('node_load1')]!;
  t.ok(load.every((value) => Number(value.toFixed(2)) === value));
  t.end();
});

await t.test('counters never go back, from lap to lap either', (t) => {
  const fallen = names.filter(
    (name, i) =>
      name.endsWith('_total') &&
      columns[i]!.some((value, at, all) => at > 0 && value < all[at - 1]!),
  );
  t.same(fallen, []);
  t.end();
});

await t.test('no lap and no host is like another', (t) => {
  const memory = names.indexOf('node_memory_MemFree_bytes');
  const laps = Array.from({ length: LAPS - 1 }, (_, lap) =>
    columns[memory]!.slice(lap * replay.ticks, (lap + 1) * replay.ticks).join(' '),
  );
  t.equal(new Set(laps).size, laps.length);
  t.notSame(columnsOf(2)[memory], columns[memory]);
  t.same(columnsOf(1)[memory], columns[memory], 'but the same seed gives the same');
  t.end();
});
