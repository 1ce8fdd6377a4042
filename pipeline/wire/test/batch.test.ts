import fc from 'fast-check';
import t from 'tap';
import { alignedCopy, BATCH_HEADER_BYTES, readBatch, writeBatchHeader } from '../batch.ts';
import { encodeCatalogue, metricId, seriesKey } from '../catalogue.ts';
import { decodeCatalogueMessage, encodeCatalogueMessage } from '../catalogue-message.ts';
import * as frame from '../frame.ts';

const catalogue = encodeCatalogue([
  { name: 'node_load1', labels: [], kind: 'gauge', unit: '', help: 'Load.' },
  {
    name: 'node_cpu_seconds_total',
    labels: [
      ['cpu', '0'],
      ['mode', 'idle "x"\n'],
    ],
    kind: 'counter',
    unit: 'seconds',
    help: 'CPU time.',
  },
]);

function frameOf(values: (number | undefined)[], seq = 9): Buffer {
  const slots = values.length;
  const presence = new Uint8Array(frame.presenceBytes(slots));
  values.forEach((v, i) => {
    if (v !== undefined) presence[i >> 3]! |= 1 << (i & 7);
  });
  const bytes = Buffer.alloc(frame.frameBytes(slots));
  const head = { incarnation: 0xfedcba9876543210n, seq, timestampMs: 1.7e12, catalogue: 5n, slots };
  frame.writeFrame(
    bytes,
    0,
    head,
    presence,
    Float64Array.from(values, (v) => v ?? 0),
  );
  return bytes;
}

function batchOf(messages: Buffer[]): Buffer {
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  writeBatchHeader(header, messages.length, 77n, 1234);
  return Buffer.concat([header, ...messages]);
}

const ignore = { onFrame: () => {}, onCatalogue: () => {} };

await t.test('a frame keeps what was written, NaN and absence apart', (t) => {
  const bytes = frameOf([1.5, undefined, NaN, -0]);
  frame.checkFrame(bytes, 0, bytes.length);
  t.equal(frame.frameIncarnation(bytes, 0), 0xfedcba9876543210n);
  t.equal(frame.frameSeq(bytes, 0), 9);
  t.equal(frame.frameTimestampMs(bytes, 0), 1.7e12);
  t.equal(frame.frameCatalogue(bytes, 0), 5n);
  t.same(
    [0, 1, 2, 3].map((slot) => frame.isPresent(bytes, 0, slot)),
    [true, false, true, true],
  );
  const at = frame.valuesAt(4);
  t.equal(bytes.readDoubleLE(at), 1.5);
  t.ok(Number.isNaN(bytes.readDoubleLE(at + 16)));
  t.ok(Object.is(bytes.readDoubleLE(at + 24), -0));
  t.equal(frame.frameIsBacklog(bytes, 0), false);
  frame.flagBacklog(bytes, 0);
  t.equal(frame.frameIsBacklog(bytes, 0), true);
  t.end();
});

await t.test('values are viewed in place after one aligned copy', (t) => {
  const stray = Buffer.concat([
    Buffer.alloc(3),
    batchOf([frameOf([1, 2, 3]), frameOf([4, 5], 10)]),
  ]);
  const batch = alignedCopy(stray.subarray(3));
  const seen: number[][] = [];
  const sealedAtMs = readBatch(batch, {
    onFrame(source, offset) {
      const slots = frame.frameSlots(source, offset);
      const at = source.byteOffset + offset + frame.valuesAt(slots);
      seen.push([...new Float64Array(source.buffer, at, slots)]);
    },
    onCatalogue: () => t.fail('no catalogue there'),
  });
  t.equal(sealedAtMs, 1234);
  t.same(seen, [
    [1, 2, 3],
    [4, 5],
  ]);
  t.end();
});

await t.test('a catalogue survives the trip and its hash is verified', (t) => {
  const message = encodeCatalogueMessage(catalogue);
  const length = message.readUInt32LE(0);
  const back = decodeCatalogueMessage(message, 0, length);
  t.equal(back.hash, catalogue.hash);
  t.same(back.series, catalogue.series);
  message[16]! ^= 1;
  t.throws(() => decodeCatalogueMessage(message, 0, length), { code: 'bad_message' });
  t.end();
});

await t.test('a catalogue with bad names, order or repetition is refused', (t) => {
  const good = { name: 'a', labels: [], kind: 'gauge', unit: '', help: '' } as const;
  const bad = [
    { ...good, name: '1a' },
    { ...good, name: 'a b' },
    { ...good, labels: [['a-b', '']] as const },
    {
      ...good,
      labels: [
        ['b', ''],
        ['a', ''],
      ] as const,
    },
    { ...good, labels: [['a', 'x'.repeat(2000)]] as const },
  ];
  for (const series of bad)
    t.throws(() => encodeCatalogue([series]), { code: 'catalogue_invalid' });
  t.throws(() => encodeCatalogue([good, good]), { code: 'catalogue_invalid' });
  t.equal(
    seriesKey('m', [['a', 'x"\\\n']]),
    'm{a="x\\"\\\\\\n"}',
    'values are escaped so that two series never share a key',
  );
  t.not(metricId('m', [['a', '1']]), metricId('m', [['a', '2']]));
  t.end();
});

await t.test('cut, flipped and padded batches are refused or read, never misread', (t) => {
  const whole = batchOf([encodeCatalogueMessage(catalogue), frameOf([1, 2]), frameOf([3], 10)]);
  for (let end = 0; end < whole.length; end += 1) {
    t.throws(() => readBatch(alignedCopy(whole.subarray(0, end)), ignore), /refused/);
  }
  t.throws(() => readBatch(Buffer.concat([whole, Buffer.alloc(8)]), ignore), { code: 'bad_batch' });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const flipped = Buffer.from(whole);
      flipped[at]! ^= mask;
      try {
        readBatch(alignedCopy(flipped), ignore);
        return true;
      } catch (error) {
        return ['bad_batch', 'bad_message'].includes((error as { code: string }).code);
      }
    }),
    { numRuns: 1000 },
  );
  t.end();
});
