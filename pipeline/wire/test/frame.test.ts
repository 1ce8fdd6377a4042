import fc from 'fast-check';
import t from 'tap';
import * as frame from '../frame.ts';

const HEAD = { incarnation: 2n ** 64n - 1n, seq: 2 ** 40, timestampMs: 1.7e12, catalogue: 5n };

await t.test('values and absent slots are where the format says, at any offset', (t) => {
  const slot = fc.option(fc.double({ noNaN: false }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(slot, { maxLength: 150 }), fc.nat(40), (all, offset) => {
      const slots = all.length;
      // Larger than needed, and with something in it where slots are absent.
      const presence = new Uint8Array(frame.presenceBytes(slots) + 8);
      for (const [i, value] of all.entries()) {
        if (value !== undefined) presence[i >> 3]! |= 1 << (i & 7);
      }
      const memory = new Float64Array(slots + 10).fill(7);
      const values = memory.subarray(3);
      for (const [i, value] of all.entries()) values[i] = value ?? 99;
      const target = Buffer.alloc(offset + frame.frameBytes(slots) + 8, 0xaa);
      const length = frame.writeFrame(target, offset, { ...HEAD, slots }, presence, values);
      t.equal(length, frame.frameBytes(slots));
      frame.checkFrame(target, offset, length);
      t.equal(frame.frameTarget(target, offset), 0n);
      t.equal(frame.frameIncarnation(target, offset), HEAD.incarnation);
      t.equal(frame.frameSeq(target, offset), HEAD.seq);
      for (const [i, value] of all.entries()) {
        t.equal(frame.isPresent(target, offset, i), value !== undefined);
        const written = target.readDoubleLE(offset + frame.valuesAt(slots) + 8 * i);
        t.ok(Object.is(written, value ?? 0), `${written} is ${value}`);
      }
      const around = [...target.subarray(0, offset), ...target.subarray(offset + length)];
      t.ok(
        around.every((byte) => byte === 0xaa),
        'nothing else is touched',
      );
    }),
    { numRuns: 60 },
  );
  t.end();
});
