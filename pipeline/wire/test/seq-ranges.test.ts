import fc from 'fast-check';
import t from 'tap';
import { SeqRanges } from '../seq-ranges.ts';

function members(ranges: SeqRanges): number[] {
  const out: number[] = [];
  for (const [first, last] of ranges) for (let seq = first; seq <= last; seq += 1) out.push(seq);
  return out;
}

await t.test('any order of adds, ranges and trims equals a plain set', (t) => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ from: fc.integer({ min: 0, max: 40 }), length: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ trim: fc.integer({ min: 0, max: 40 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ranges = new SeqRanges();
      let set = new Set<number>();
      for (const s of steps) {
        if ('add' in s) {
          if (ranges.add(s.add) === set.has(s.add)) return false;
          set.add(s.add);
        } else if ('trim' in s) {
          ranges.trimBelow(s.trim);
          set = new Set([...set].filter((seq) => seq >= s.trim));
        } else {
          ranges.addRange(s.from, s.from + s.length);
          for (let i = 0; i <= s.length; i += 1) set.add(s.from + i);
        }
      }
      const want = [...set].toSorted((a, b) => a - b);
      const gaps = want.filter((seq, i) => i > 0 && want[i - 1] !== seq - 1).length;
      return (
        JSON.stringify(members(ranges)) === JSON.stringify(want) &&
        ranges.count === (want.length === 0 ? 0 : gaps + 1) &&
        ranges.min === want[0] &&
        ranges.max === want.at(-1) &&
        Array.from({ length: 50 }, (_, seq) => ranges.has(seq) === set.has(seq)).every(Boolean)
      );
    }),
    { numRuns: 500 },
  );
  t.pass('500 random histories');
  t.end();
});
