import t from 'tap';
import { decodeCatalogue, encodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue, SeriesInfo } from '../../pipeline/wire/catalogue.ts';
import * as wire from '../../pipeline/wire/frame.ts';
import { reportedCatalogue, reportedFrameBytes, writeReportedFrame } from '../reported-frame.ts';
import { REPORT_CATALOGUE, REPORT_SLOTS } from '../target-report.ts';
import type { Report } from '../target-report.ts';

const series = (count: number): SeriesInfo[] =>
  Array.from({ length: count }, (_, at) => ({
    name: `own_${at}`,
    labels: [],
    kind: 'gauge',
    unit: '',
    help: '',
  }));

const REPORT: Report = {
  isUp: true,
  connectSeconds: 0.25,
  clockSkewSeconds: -1.5,
  framesQuarantined: 7,
};

/** A frame of an agent: its own numbers in every slot but those that are absent. */
function agentFrame(slots: number, absent: readonly number[] = []): Buffer {
  const frame = Buffer.alloc(wire.frameBytes(slots));
  const presence = new Uint8Array(wire.presenceBytes(slots));
  const values = Float64Array.from({ length: slots }, (_, slot) => slot + 0.5);
  for (let slot = 0; slot < slots; slot += 1) {
    if (!absent.includes(slot)) presence[slot >> 3]! |= 1 << (slot & 7);
  }
  const head = { incarnation: 0x1234n, seq: 42, timestampMs: 1_700_000_000_123, catalogue: 9n };
  wire.writeFrame(frame, 0, { ...head, slots }, presence, values);
  return frame;
}

function valuesOf(frame: Buffer, at: number): (number | undefined)[] {
  const slots = wire.frameSlots(frame, at);
  const valuesAt = at + wire.valuesAt(slots);
  return Array.from({ length: slots }, (_, slot) =>
    wire.isPresent(frame, at, slot) ? frame.readDoubleLE(valuesAt + 8 * slot) : undefined,
  );
}

/** The frame with room for a report, somewhere in a batch that is full of other things. */
function reported(source: Buffer, report: Report | undefined): { batch: Buffer; at: number } {
  const slots = wire.frameSlots(source, 0);
  const batch = Buffer.alloc(reportedFrameBytes(slots) + 24, 0xff);
  writeReportedFrame(batch, 16, source, 0, slots, 77n, report);
  return { batch, at: 16 };
}

// Where the bitmap is of the same length afterwards, and where it grows by a word.
for (const slots of [0, 1, 58, 59, 60, 61, 63, 64, 65, 124, 125, 200]) {
  const absent = [0, 57, 63, 199].filter((slot) => slot < slots);
  await t.test(`a report goes behind ${slots} values`, async (t) => {
    const source = agentFrame(slots, absent);
    const { batch, at } = reported(source, REPORT);
    const length = reportedFrameBytes(slots);
    wire.checkFrame(batch, at, length);
    t.equal(batch.readUInt32LE(at), length);
    t.same(valuesOf(batch, at), [...valuesOf(source, 0), 1, 0.25, -1.5, 7]);
    t.equal(wire.frameCatalogue(batch, at), 77n);
    t.equal(wire.frameIncarnation(batch, at), 0x1234n);
    t.equal(wire.frameSeq(batch, at), 42);
    t.equal(wire.frameTimestampMs(batch, at), 1_700_000_000_123);
    t.equal(batch.readBigUInt64LE(at + length), 2n ** 64n - 1n, 'nothing behind it is touched');
  });
}

await t.test('what is not said is absent', async (t) => {
  const source = agentFrame(60);
  const own = valuesOf(source, 0);
  const nothing = reported(source, undefined);
  t.same(valuesOf(nothing.batch, nothing.at), [...own, ...Array(REPORT_SLOTS)]);
  const unmeasured = reported(source, { ...REPORT, clockSkewSeconds: undefined });
  t.same(valuesOf(unmeasured.batch, unmeasured.at), [...own, 1, 0.25, undefined, 7]);
});

await t.test('bits that an agent sets behind its slots mean nothing', async (t) => {
  const source = agentFrame(10);
  source[wire.PRESENCE_AT + 1]! |= 0xfc;
  const { batch, at } = reported(source, undefined);
  t.same(valuesOf(batch, at), [...valuesOf(source, 0), ...Array(REPORT_SLOTS)]);
});

await t.test('the catalogue is that of the agent with the series of reports', async (t) => {
  for (const count of [0, 1, 11, 12, 15, 16, 300, 65_536 >> 4]) {
    const own = encodeCatalogue(series(count));
    const both = reportedCatalogue(own)!;
    const decoded = decodeCatalogue(both.payload);
    t.same(decoded, both, `of ${count} series`);
    t.same(decoded.series, [...own.series, ...REPORT_CATALOGUE.series]);
    t.equal(reportedCatalogue(own)!.hash, both.hash, 'by the same name each time');
  }
});

await t.test('an agent that has a series of that name keeps it', async (t) => {
  const up: SeriesInfo = { name: 'up', labels: [], kind: 'gauge', unit: '', help: '' };
  t.equal(reportedCatalogue(encodeCatalogue([...series(3), up])), undefined);
});

await t.test('a catalogue that is as large as can be has no room', async (t) => {
  const payload = encodeCatalogue(series(1)).payload;
  const large = (count: number): Catalogue => ({ hash: 1n, series: series(count), payload });
  t.ok(reportedCatalogue(large(wire.FRAME_SLOTS_MAX)) === undefined);
  t.ok(reportedCatalogue(large(20_000 - REPORT_SLOTS + 1)) === undefined);
  t.ok(reportedCatalogue(large(20_000 - REPORT_SLOTS)) !== undefined);
  const filled = { ...large(1), payload: Uint8Array.from([0x91, ...Buffer.alloc(4 << 20)]) };
  t.ok(reportedCatalogue(filled) === undefined);
});
