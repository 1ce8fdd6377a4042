import { Packr } from 'msgpackr';
import t from 'tap';
import * as ack from '../ack.ts';
import * as control from '../control.ts';
import { HEADER_BYTES, MessageType, newMessage } from '../message.ts';
import { unpack } from '../msgpack.ts';
import { SeqRanges } from '../seq-ranges.ts';

function lengthOf(message: Buffer): number {
  return message.readUInt32LE(0);
}

function structured(value: unknown): Buffer {
  const payload = new Packr({ useRecords: false }).pack(value);
  const message = newMessage(MessageType.hello, HEADER_BYTES + payload.length);
  payload.copy(message, HEADER_BYTES);
  return message;
}

const hello: control.Hello = {
  protocol: 'rollcall',
  versions: [1],
  fleet: 'f',
  epoch: 3,
  collector: 'c',
  target: '00000000000000ff',
  instance: 'web-1',
};

await t.test('structured messages come back as they were sent', (t) => {
  const welcome = {
    version: 1,
    incarnation: '00ff00ff00ff00ff',
    agent: '0.1.0',
    timeMs: 1_700_000_000_000.5,
    firstSeq: 7,
    nextSeq: 12,
  };
  const subscribe = { intervalMs: 5000, phaseMs: 4999, creditBytes: 262_144 };
  const h = control.encodeHello(hello);
  const w = control.encodeWelcome(welcome);
  const s = control.encodeSubscribe(subscribe);
  const e = control.encodeError('bad_message', 'x'.repeat(5000));
  t.same(control.decodeHello(h, 0, lengthOf(h)), hello);
  t.same(control.decodeWelcome(w, 0, lengthOf(w)), welcome);
  t.same(control.decodeSubscribe(s, 0, lengthOf(s)), subscribe);
  t.equal(control.decodeError(e, 0, lengthOf(e)).message.length, 1000);
  t.end();
});

await t.test('unknown keys are ignored, wrong values name their key', (t) => {
  const extra = structured({ ...hello, later: { deep: true } });
  t.same(control.decodeHello(extra, 0, lengthOf(extra)), hello);
  const wrong = structured({ ...hello, epoch: -1 });
  t.throws(() => control.decodeHello(wrong, 0, lengthOf(wrong)), {
    code: 'bad_message',
    message: /HELLO: epoch/,
  });
  const phase = structured({ intervalMs: 5000, phaseMs: 5000, creditBytes: 1 });
  t.throws(() => control.decodeSubscribe(phase, 0, lengthOf(phase)), { code: 'bad_message' });
  t.end();
});

await t.test('a HELLO of an older collector names no target', (t) => {
  const { target: _target, instance: _instance, ...older } = hello;
  const message = structured(older);
  t.same(control.decodeHello(message, 0, lengthOf(message)), {
    ...hello,
    target: '',
    instance: '',
  });
  for (const wrong of [{ target: 'web-1' }, { instance: 'x'.repeat(257) }]) {
    const refused = structured({ ...hello, ...wrong });
    t.throws(() => control.decodeHello(refused, 0, lengthOf(refused)), { code: 'bad_message' });
  }
  t.end();
});

await t.test('msgpack bombs are refused without allocating', (t) => {
  const nested = Buffer.alloc(4000, 0x91);
  const claimed = Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff, 0x01]);
  const map = Buffer.from([0xdf, 0x7f, 0xff, 0xff, 0xff]);
  const text = Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff, 0x61]);
  const extension = Buffer.from([0xd4, 0x01, 0x00]);
  const trailing = Buffer.from([0x01, 0x02]);
  for (const bytes of [nested, claimed, map, text, extension, trailing, Buffer.alloc(0)]) {
    t.throws(() => unpack(bytes), { code: 'bad_msgpack' });
  }
  t.end();
});

await t.test('a __proto__ key changes no prototype', (t) => {
  const key = Buffer.from('__proto__');
  const bytes = Buffer.concat([Buffer.from([0x81, 0xa0 + key.length]), key, Buffer.from([0x80])]);
  const value = unpack(bytes) as object;
  t.equal(Object.getPrototypeOf(value), Object.prototype);
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
  t.end();
});

await t.test('acknowledgements carry ranges and credit', (t) => {
  const ranges = new SeqRanges();
  ranges.addRange(1, 4);
  ranges.addRange(2 ** 40, 2 ** 40 + 3);
  const { message, lastSeq } = ack.encodeAck(ranges, 65_536);
  t.equal(lastSeq, 2 ** 40 + 3);
  t.same(ack.decodeAck(message, 0, lengthOf(message)), {
    creditBytes: 65_536,
    ranges: [...ranges],
  });
  message.writeUInt32LE(2000, 12);
  t.throws(() => ack.decodeAck(message, 0, lengthOf(message)), { code: 'bad_message' });
  const ping = ack.encodePing(42);
  const pong = ack.encodePong(ping, 0, lengthOf(ping), 1.5);
  t.same(ack.decodePong(pong, 0, lengthOf(pong)), { token: 42, timeMs: 1.5 });
  const credit = ack.encodeCredit(1, 77);
  t.same(ack.decodeCredit(credit, 0, lengthOf(credit)), { channel: 1, bytes: 77 });
  t.end();
});

await t.test('more ranges than an ACK holds are cut, not overflowed', (t) => {
  const ranges = new SeqRanges();
  for (let i = 0; i < ack.ACK_RANGES_MAX + 10; i += 1) ranges.add(2 * i);
  const { message, lastSeq } = ack.encodeAck(ranges, 0);
  t.equal(lastSeq, 2 * (ack.ACK_RANGES_MAX - 1), 'the rest is for the next one');
  t.equal(ack.decodeAck(message, 0, lengthOf(message)).ranges.length, ack.ACK_RANGES_MAX);
  t.end();
});
