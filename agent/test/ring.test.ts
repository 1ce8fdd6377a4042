import fc from 'fast-check';
import t from 'tap';
import { FleetCursor } from '../fleet-cursor.ts';
import { Ring } from '../ring.ts';

await t.test('the ring always holds the newest frames unbroken and reports each drop', (t) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 50 }) }) },
    { weight: 1, arbitrary: fc.record({ release: fc.nat(6) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const ring = new Ring(100);
      let model: { seq: number; bytes: string }[] = [];
      for (const s of steps) {
        if ('release' in s) {
          const below = ring.firstSeq + s.release;
          ring.releaseBelow(below);
          model = model.filter(({ seq }) => seq >= below);
        } else {
          const dropped: number[] = [];
          const write = (arena: Buffer, offset: number, seq: number) => {
            arena.fill(seq & 255, offset, offset + s.append);
          };
          const seq = ring.append(s.append, 0, write, (gone) => dropped.push(gone))!;
          if (dropped.some((gone, i) => gone !== model[i]?.seq)) return false;
          model.splice(0, dropped.length);
          model.push({ seq, bytes: Buffer.alloc(s.append, seq & 255).toString('hex') });
        }
        const held = model.every(({ seq, bytes }) => ring.copy(seq)?.toString('hex') === bytes);
        const bytes = model.reduce((sum, { bytes: hex }) => sum + hex.length / 2, 0);
        if (!held || ring.frames !== model.length || ring.bytes !== bytes) return false;
      }
      return true;
    }),
    { numRuns: 500 },
  );
  t.pass('500 random histories');
  t.end();
});

await t.test('a frame larger than the ring is refused, a released one is gone', (t) => {
  const ring = new Ring(64);
  t.equal(
    ring.append(
      65,
      0,
      () => t.fail('nothing to write'),
      () => t.fail('nothing to drop'),
    ),
    undefined,
  );
  ring.append(
    10,
    0,
    () => {},
    () => {},
  );
  ring.releaseBelow(99);
  t.equal(ring.copy(1), undefined);
  t.equal(ring.nextSeq, 2, 'numbers are never used twice');
  t.end();
});

await t.test('a cursor owes what was neither acknowledged nor dropped nor undue', (t) => {
  const cursor = new FleetCursor('f', 't', 10, 10_000, 0);
  t.equal(cursor.offer(10, 5000), true);
  t.equal(cursor.offer(11, 5000), false, 'its interval is twice that of the ticks');
  t.equal(cursor.offer(12, 5000), true);
  t.equal(cursor.firstOwedSeq, 10);
  cursor.settle(12, 12);
  t.equal(cursor.owes(10), true);
  t.equal(cursor.owes(9), false, 'it began at 10');
  cursor.drop(10);
  t.equal(cursor.droppedTotal, 1);
  t.equal(cursor.firstOwedSeq, 13);
  cursor.drop(12);
  t.equal(cursor.droppedTotal, 1, 'an acknowledged frame is no loss');
  t.end();
});

await t.test('an acknowledgement of what was settled long ago changes nothing', (t) => {
  const cursor = new FleetCursor('f', 't', 10, 5000, 0);
  cursor.settle(10, 36);
  t.equal(cursor.firstOwedSeq, 37);
  cursor.settle(14, 14);
  t.equal(cursor.firstOwedSeq, 37);
  cursor.settle(30, 38);
  t.equal(cursor.firstOwedSeq, 39, 'nor does the part of one that is that old');
  t.end();
});
