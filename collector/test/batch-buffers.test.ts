import t from 'tap';
import { BatchBuffers } from '../batch-buffers.ts';

const KIB = 1024;

await t.test('a buffer is large enough, and no larger than the largest batch', (t) => {
  const buffers = new BatchBuffers(100 * KIB);
  t.equal(buffers.take(1).length, 16 * KIB);
  t.equal(buffers.take(16 * KIB).length, 16 * KIB);
  t.equal(buffers.take(16 * KIB + 1).length, 32 * KIB);
  t.equal(buffers.take(70 * KIB).length, 100 * KIB);
  t.equal(buffers.take(100 * KIB).length, 100 * KIB);
  t.equal(buffers.take(500 * KIB).length, 500 * KIB, 'a message larger than any batch');
  t.end();
});

await t.test('the smallest batches need not be as large as the smallest buffer', (t) => {
  const buffers = new BatchBuffers(4 * KIB);
  t.equal(buffers.take(100).length, 4 * KIB);
  t.end();
});

await t.test('what is given back is used again, by who needs its size', (t) => {
  const buffers = new BatchBuffers(512 * KIB);
  const [small, large] = [buffers.take(1), buffers.take(60 * KIB)];
  buffers.give(small);
  buffers.give(large);
  t.equal(buffers.freeBytes, 80 * KIB);
  t.equal(buffers.take(50 * KIB), large);
  t.not(buffers.take(50 * KIB), large, 'only once');
  t.equal(buffers.take(10), small);
  t.equal(buffers.freeBytes, 0);
  t.end();
});

await t.test('what is kept is bounded', (t) => {
  const buffers = new BatchBuffers(512 * KIB);
  for (const buffer of Array.from({ length: 20 }, () => buffers.take(512 * KIB))) {
    buffers.give(buffer);
  }
  t.equal(buffers.freeBytes, 4 * KIB * KIB);
  buffers.give(Buffer.alloc(513 * KIB));
  t.equal(buffers.freeBytes, 4 * KIB * KIB, 'the oversized not at all');
  t.end();
});
