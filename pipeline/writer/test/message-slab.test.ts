import fc from 'fast-check';
import t from 'tap';
import { MessageSlab } from '../message-slab.ts';

const MIB = 1024 * 1024;

/** A message that begins and ends with its number. */
function message(seq: number, bytes: number): Uint8Array {
  const made = Buffer.alloc(bytes);
  made.writeUInt32LE(seq, 0);
  made.writeUInt32LE(seq, bytes - 4);
  return made;
}

const isWhole = (seq: number, copy: Buffer): boolean =>
  copy.byteOffset % 8 === 0 &&
  copy.readUInt32LE(0) === seq &&
  copy.readUInt32LE(copy.length - 4) === seq;

await t.test('what is not released stays as it was', async (t) => {
  const step = fc.record({
    bytes: fc.oneof(
      fc.integer({ min: 8, max: 2 * MIB }),
      fc.constantFrom(4 * MIB, 4 * MIB + 1, 5 * MIB),
    ),
    /** Of the messages that are there, how many are released after this one. */
    released: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: 0, freq: 3 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const slab = new MessageSlab();
      const kept = new Map<number, Buffer>();
      return steps.every(({ bytes, released }, at) => {
        const seq = 2 * at + 1;
        kept.set(seq, slab.copy(message(seq, bytes), seq));
        const below = [...kept.keys()][Math.floor(released * kept.size)] ?? seq + 1;
        if (released > 0) {
          slab.release(below);
          for (const old of kept.keys()) if (old < below) kept.delete(old);
        }
        return [...kept].every(([of, copy]) => isWhole(of, copy));
      });
    }),
    { numRuns: 40 },
  );
  t.pass();
});

await t.test('memory is used again, and what is hardly ever needed is given up', async (t) => {
  const slab = new MessageSlab();
  let seq = 0;
  const fill = (pieces: number): void => {
    for (let i = 0; i < pieces; i += 1) slab.copy(message((seq += 1), 4 * MIB), seq);
  };
  fill(10);
  t.same(slab.bytes, { inUse: 40 * MIB, free: 0 });
  slab.release(seq - 1);
  t.same(slab.bytes, { inUse: 8 * MIB, free: 32 * MIB }, 'as much as was needed at the most');
  fill(8);
  t.same(slab.bytes, { inUse: 40 * MIB, free: 0 });
  slab.release(seq);
  fill(2);
  slab.release(seq);
  const { inUse, free } = slab.bytes;
  t.equal(inUse, 4 * MIB);
  t.ok(free <= 12 * MIB, `${free} bytes are kept`);
});
