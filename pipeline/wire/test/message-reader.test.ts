import fc from 'fast-check';
import t from 'tap';
import { encodeError, encodeHello } from '../control.ts';
import type { Hello } from '../control.ts';
import { HEADER_BYTES, MessageType, newMessage, padded, writeHeader } from '../message.ts';
import { MessageReader } from '../message-reader.ts';

const ALL: ReadonlySet<number> = new Set(Object.values(MessageType));
const hello: Hello = {
  protocol: 'rollcall',
  versions: [1],
  fleet: 'f',
  epoch: 3,
  collector: 'c',
  target: '',
  instance: '',
};

function readAll(chunks: Buffer[], accepts: ReadonlySet<number> = ALL): string[] {
  const got: string[] = [];
  const reader = new MessageReader(accepts, {
    onMessage(type, flags, source, offset, length) {
      got.push(`${type}/${flags}/${source.toString('hex', offset, offset + length)}`);
      return true;
    },
  });
  for (const chunk of chunks) reader.push(chunk);
  return got;
}

await t.test('messages are the same however the stream is cut into chunks', (t) => {
  const payload = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(
      fc.array(payload, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      (payloads, cuts) => {
        const messages = payloads.map((bytes, i) => {
          const message = newMessage(MessageType.hello, HEADER_BYTES + bytes.length, i);
          message.set(bytes, HEADER_BYTES);
          return message;
        });
        const stream = Buffer.concat(messages);
        const chunks: Buffer[] = [];
        for (let at = 0; at < stream.length;) {
          const size = cuts.next().value as number;
          chunks.push(stream.subarray(at, at + size));
          at += size;
        }
        const want = payloads.map((bytes, i) => {
          const message = messages[i]!.toString('hex', 0, HEADER_BYTES + bytes.length);
          return `${MessageType.hello}/${i}/${message}`;
        });
        return JSON.stringify(readAll(chunks)) === JSON.stringify(want);
      },
    ),
  );
  t.pass('100 random streams');
  t.end();
});

await t.test('a claimed length is refused before anything is kept for it', (t) => {
  const claim = Buffer.alloc(8);
  writeHeader(claim, 0, MessageType.samples, 0xffff_ffff);
  t.throws(() => readAll([claim]), { code: 'bad_message' });
  writeHeader(claim, 0, MessageType.hello, 7);
  t.throws(() => readAll([claim]), { code: 'bad_message' });
  t.end();
});

await t.test('a large claim within the cap costs only the bytes that came', (t) => {
  const head = Buffer.alloc(16);
  writeHeader(head, 0, MessageType.catalogue, 4 * 1024 * 1024);
  const reader = new MessageReader(ALL, { onMessage: () => true });
  reader.push(head);
  t.equal(reader.bufferedBytes, 16);
  t.end();
});

await t.test('a type the side does not accept, or on a wrong channel, is refused', (t) => {
  t.throws(() => readAll([encodeError('x', 'y')], new Set([MessageType.hello])), {
    code: 'bad_message',
  });
  const message = encodeHello(hello);
  message.writeUInt16LE(1, 6);
  t.throws(() => readAll([message]), { code: 'bad_message' });
  message.writeUInt16LE(0, 6);
  message[4] = 99;
  t.throws(() => readAll([message]), { code: 'bad_message' });
  t.end();
});

await t.test('random bytes are refused or waited for, never crash', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
      try {
        readAll(chunks.map((chunk) => Buffer.from(chunk)));
        return true;
      } catch (error) {
        return (error as { code?: string }).code === 'bad_message';
      }
    }),
    { numRuns: 1000 },
  );
  t.pass('1000 random streams');
  t.end();
});

await t.test('a sink that returns false is not called again', (t) => {
  let calls = 0;
  const reader = new MessageReader(ALL, {
    onMessage() {
      calls += 1;
      return false;
    },
  });
  const message = encodeHello(hello);
  reader.push(Buffer.concat([message, message]));
  reader.push(message);
  t.equal(calls, 1);
  t.equal(padded(message.length), message.length);
  t.end();
});
