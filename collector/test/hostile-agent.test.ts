import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { Test } from 'tap';
import { testBus, testNats } from '../../pipeline/embedded/test-servers.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { alignedCopy, readBatch } from '../../pipeline/wire/batch.ts';
import { catalogueHash } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as control from '../../pipeline/wire/control.ts';
import { frameTarget } from '../../pipeline/wire/frame.ts';
import { MessageType, newMessage } from '../../pipeline/wire/message.ts';
import { pack } from '../../pipeline/wire/msgpack.ts';
import { catalogueMessage, frame, HandMadeAgent, INCARNATION, welcome } from './hand-made-agent.ts';
import type { Caller, Script } from './hand-made-agent.ts';
import { LaneTap, range, testAgent, testDialler, testTarget, until } from './road.ts';

const HOUR_MS = 3_600_000;

const nats = await testNats(t);
const bus = await testBus(t, nats.port);
const tap = new LaneTap(t, bus);

/** A good agent beside which everything happens; nothing may ever disturb it. */
const good = await testAgent(t);
const goodTarget = testTarget('good', good.port, 100);
const CREDIT_BYTES = 8192;
const road = testDialler(t, bus, {
  creditBytes: CREDIT_BYTES,
  handshakeTimeoutMs: 300,
  connectTimeoutMs: 1000,
});
const { dialler, setTargets, ended } = road;
setTargets(goodTarget);
await until('the good agent streams', () => tap.framesOf(goodTarget).length > 0);

/** The good agent has the connection it always had, and its frames come as ever. */
async function isUndisturbed(t: Test): Promise<void> {
  const before = tap.framesOf(goodTarget).length;
  await until('the good agent goes on', () => tap.framesOf(goodTarget).length >= before + 2);
  const frames = tap.framesOf(goodTarget);
  t.same(
    frames.map(({ seq }) => seq),
    range(1, frames.length),
    'the good agent was not disturbed',
  );
  t.equal(good.agent.sessionCount, 1);
}

async function withAgent(
  name: string,
  script: Script,
  intervalMs = 200,
): Promise<{ agent: HandMadeAgent; target: Target; done: () => void }> {
  const agent = await HandMadeAgent.start(t, script);
  const target = testTarget(name, agent.port, intervalMs);
  setTargets(goodTarget, target);
  return { agent, target, done: () => setTargets(goodTarget) };
}

const raw = (type: MessageType, payload: Buffer): Buffer => {
  const message = newMessage(type, 8 + payload.length);
  payload.copy(message, 8);
  return message;
};

/** A catalogue that our own encoder would refuse to make. */
function forged(rows: unknown): Catalogue {
  const payload = Uint8Array.from(pack(rows));
  return { hash: catalogueHash(payload), series: [], payload };
}

const row = (name: unknown, labels: unknown = [], kind: unknown = 2, help: unknown = '') => [
  name,
  labels,
  kind,
  '',
  help,
];

const answer = (...bytes: readonly Buffer[]): Script => ({
  onHello: (caller) => caller.send(...bytes),
});
const afterSubscribe = (send: (caller: Caller) => void): Script => ({ onSubscribe: send });
const streams = (...bytes: readonly Buffer[]): Script =>
  afterSubscribe((caller) => caller.send(...bytes));

function claiming(bytes: number, type: number, channel = 0): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(bytes, 0);
  header[4] = type;
  header.writeUInt16LE(channel, 6);
  return header;
}

function wrongHash(): Buffer {
  const message = catalogueMessage();
  message.writeBigUInt64LE(0xdeadn, 16);
  return message;
}

function wrongLength(): Buffer {
  const message = frame();
  message.writeUInt32LE(3, 48);
  return message;
}

function unknownEncoding(): Buffer {
  const message = frame();
  message[52] = 7;
  return message;
}

function endlessSeq(): Buffer {
  const message = frame();
  message.writeBigUInt64LE(0xffff_ffff_ffff_ffffn, 24);
  return message;
}

let nested: unknown = 1;
for (let depth = 0; depth < 1000; depth += 1) nested = [nested];

const cases: [name: string, code: string, script: Script][] = [
  ['random bytes', 'bad_message', answer(Buffer.concat([Buffer.alloc(8), randomBytes(4096)]))],
  ['another protocol', 'bad_message', answer(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))],
  ['a claim of 4 GB', 'bad_message', answer(claiming(0xffff_fff0, MessageType.welcome))],
  ['a claim of no bytes', 'bad_message', answer(claiming(0, MessageType.welcome))],
  ['a frame that claims 2 MB', 'bad_message', streams(claiming(2 << 20, MessageType.samples, 1))],
  ['an unknown type', 'bad_message', answer(claiming(16, 77))],
  ['a message of the other side', 'bad_message', answer(claiming(16, MessageType.hello))],
  ['a frame on the channel of tasks', 'bad_message', streams(claiming(64, MessageType.samples, 2))],
  ['a frame before WELCOME', 'bad_message', answer(frame())],
  ['a catalogue before WELCOME', 'bad_message', answer(catalogueMessage())],
  ['a second WELCOME', 'bad_message', answer(welcome(), welcome())],
  ['a version nobody asked for', 'unsupported_version', answer(welcome({ version: 2 }))],
  ['an incarnation that is no id', 'bad_message', answer(welcome({ incarnation: '../../etc' }))],
  [
    'a WELCOME nested a thousand deep',
    'bad_message',
    answer(raw(MessageType.welcome, Buffer.from(pack({ version: nested })))),
  ],
  [
    'a WELCOME that sets __proto__',
    'bad_message',
    answer(raw(MessageType.welcome, Buffer.from('81a95f5f70726f746f5f5f81a161a162', 'hex'))),
  ],
  [
    'a frame of another run',
    'bad_message',
    streams(catalogueMessage(), frame({ incarnation: INCARNATION + 1n })),
  ],
  ['a frame without its catalogue', 'bad_message', streams(frame({ catalogue: 0xfeedn }))],
  [
    'slots that do not fit the catalogue',
    'bad_message',
    streams(catalogueMessage(), frame({ values: [1, 2, 3] })),
  ],
  ['a length that does not fit', 'bad_message', streams(catalogueMessage(), wrongLength())],
  ['an unknown encoding', 'bad_message', streams(catalogueMessage(), unknownEncoding())],
  ['a number beyond 2^53', 'bad_message', streams(catalogueMessage(), endlessSeq())],
  ['a catalogue twice', 'bad_message', streams(catalogueMessage(), catalogueMessage())],
  ['a catalogue with a wrong hash', 'bad_message', streams(wrongHash())],
  ['a PONG that lacks the time', 'bad_message', streams(raw(MessageType.pong, Buffer.alloc(3)))],
  [
    'a name with a line break',
    'catalogue_invalid',
    streams(catalogueMessage(forged([row('up{} 1\r\nup')]))),
  ],
  ['a name that is SQL', 'catalogue_invalid', streams(catalogueMessage(forged([row("a'; DROP")])))],
  [
    'a label name that is a wildcard',
    'catalogue_invalid',
    streams(catalogueMessage(forged([row('good', ['>', '*'])]))),
  ],
  [
    'a label of 1 MB',
    'catalogue_invalid',
    streams(catalogueMessage(forged([row('good', ['a', 'x'.repeat(1 << 20)])]))),
  ],
  [
    'one series twice',
    'catalogue_invalid',
    streams(catalogueMessage(forged([row('twin'), row('twin')]))),
  ],
  [
    'more series than allowed',
    'catalogue_invalid',
    streams(catalogueMessage(forged(range(0, 20_000).map((i) => row(`s${i}`))))),
  ],
  [
    'names that are not text',
    'catalogue_invalid',
    streams(catalogueMessage(forged([row({ toString: 'x' }), row(null)]))),
  ],
  [
    'data without credit',
    'credit_exceeded',
    streams(catalogueMessage(), ...range(1, 1000).map((seq) => frame({ seq }))),
  ],
];

for (const [name, code, script] of cases) {
  await t.test(`${name} ends its own connection as ${code}`, async (t) => {
    const before = ended(code);
    const { agent, target, done } = await withAgent(`hostile: ${name}`, script);
    await until('it is counted', () => ended(code) > before);
    const [caller] = agent.callers;
    await until('it is closed', () => caller!.isClosed);
    t.equal(caller!.error?.code, code, 'the agent is told why');
    if (code !== 'credit_exceeded') t.same(tap.framesOf(target), [], 'nothing of it passed');
    done();
    await isUndisturbed(t);
  });
}

const HOURS: [name: string, wanted: Parameters<typeof frame>[0]][] = [
  ['an hour ahead', { timestampMs: Date.now() + HOUR_MS }],
  ['an hour ahead, as backlog', { timestampMs: Date.now() + HOUR_MS, isBacklog: true }],
  ['an hour ago, as live', { timestampMs: Date.now() - HOUR_MS }],
  ['two days ago, as backlog', { timestampMs: Date.now() - 48 * HOUR_MS, isBacklog: true }],
  ['1970', { timestampMs: 0 }],
];

await t.test('frames of an impossible time go to quarantine, and nowhere else', async (t) => {
  const { topology } = bus;
  for (const [name, wanted] of HOURS) {
    const { agent, target, done } = await withAgent(
      `time: ${name}`,
      streams(catalogueMessage(), frame({ ...wanted, seq: 7 })),
    );
    const isAcknowledged = () => agent.callers[0]?.acknowledged.includes(7) === true;
    await until('it is acknowledged', isAcknowledged);
    t.same(tap.framesOf(target), [], 'no partition is touched');
    const parked = await bus.last(topology.parkedStream, topology.parkedSubject('bad_timestamp'));
    const found: bigint[] = [];
    readBatch(alignedCopy(parked!.data), {
      onFrame: (source, offset) => found.push(frameTarget(source, offset)),
      onCatalogue: () => undefined,
    });
    t.same(found, [target.id], 'the frame is there for a person to look at');
    await until('it is reported', () => {
      return tap.reportsOf(target).some(({ values }) => values[3] === 1);
    });
    done();
    await isUndisturbed(t);
  }
  const { agent, target, done } = await withAgent(
    'time: true backlog',
    streams(
      catalogueMessage(),
      frame({ timestampMs: Date.now() - HOUR_MS, isBacklog: true, seq: 7 }),
    ),
  );
  await until(
    'what is flagged may be old',
    () => agent.callers[0]?.acknowledged.includes(7) === true,
  );
  t.match(tap.framesOf(target), [{ seq: 7, isBacklog: true }]);
  done();
});

await t.test('what a full quarantine does not take stays with the agent', async (t) => {
  const { parkedStream } = bus.topology;
  const { config } = await bus.streamInfo(parkedStream);
  const fill = { ...config, max_bytes: 1 };
  await bus.manager.streams.update(parkedStream, fill);
  for (const [name, wanted] of HOURS) {
    const before = ended('clock_skew');
    const { agent, target, done } = await withAgent(
      `full: ${name}`,
      streams(catalogueMessage(), frame({ ...wanted, seq: 7 })),
    );
    await until('it is counted', () => ended('clock_skew') > before);
    const [caller] = agent.callers;
    await until('it is closed', () => caller!.isClosed);
    t.match(caller!.error, { code: 'clock_skew', message: /--clock-skew-max/ }, name);
    done();
    await isUndisturbed(t);
    t.same(caller!.acks, [], 'not acknowledged');
    t.same(tap.framesOf(target), [], 'not published');
  }
  await bus.manager.streams.update(parkedStream, { max_bytes: config.max_bytes });
});

await t.test('a clock that is off is reported in the skew', async (t) => {
  const { target, done } = await withAgent(
    'skewed',
    answer(welcome({ timeMs: Date.now() - 2 * HOUR_MS })),
  );
  const skew = () => tap.reportsOf(target).at(-1)?.values[2];
  await until('it is reported', () => skew() !== undefined);
  t.ok(Math.abs(skew()! + 7200) < 60, `${skew()} s`);
  done();
});

await t.test('bytes that trickle in one by one are understood', async (t) => {
  let caller: Caller | undefined;
  const trickle = async (message: Buffer): Promise<void> => {
    for (const byte of message) {
      caller!.socket.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const { agent, target, done } = await withAgent(
    'trickles',
    {
      onHello: (it) => {
        caller = it;
        void trickle(Buffer.concat([welcome(), catalogueMessage(), frame({ seq: 9 })]));
      },
    },
    2000,
  );
  await until('it arrives', () => tap.framesOf(target).length > 0);
  t.match(tap.framesOf(target), [{ seq: 9, values: [1, 2] }]);
  await until('and is acknowledged', () => agent.callers[0]?.acknowledged.includes(9) === true);
  t.equal(agent.callers.length, 1, 'over one connection');
  done();
  await isUndisturbed(t);
});

await t.test('an agent that accepts and never answers meets a deadline', async (t) => {
  const before = ended('too_slow');
  const { agent, target, done } = await withAgent('mute', answer());
  await until('it is given up, and tried again', () => ended('too_slow') >= before + 2);
  t.equal(agent.callers[0]!.hello?.protocol, 'rollcall');
  t.equal(agent.callers[0]!.error?.code, 'too_slow');
  await until('reports', () => tap.reportsOf(target).length > 0);
  t.ok(
    tap.reportsOf(target).every(({ values }) => values[0] === 0),
    'it was never up',
  );
  done();
  await isUndisturbed(t);
});

await t.test('one that streams and falls silent is pinged twice and dropped', async (t) => {
  const before = ended('silent');
  const script = afterSubscribe((caller) => {
    caller.answersPings = false;
    caller.send(catalogueMessage(), frame({ seq: 1, timestampMs: Date.now() }));
  });
  const { agent, target, done } = await withAgent('falls silent', script);
  await until('it is dropped', () => ended('silent') > before);
  t.equal(agent.callers[0]!.pings, 2);
  await until('the agent sees it', () => agent.callers[0]!.isClosed);
  await until('down', () => tap.reportsOf(target).some(({ values }) => values[0] === 0));
  t.equal(tap.framesOf(target)[0]!.seq, 1);
  done();
  await isUndisturbed(t);
});

await t.test('one that answers pings without frames keeps its line, but is down', async (t) => {
  const { agent, target, done } = await withAgent('only pongs', {});
  await until('pings', () => (agent.callers[0]?.pings ?? 0) >= 4);
  t.equal(agent.callers.length, 1);
  await until('down', () => tap.reportsOf(target).at(-1)?.values[0] === 0);
  t.equal(agent.callers[0]!.isClosed, false);
  done();
  await until('the target is gone, and told so', () => agent.callers[0]!.error !== undefined);
  t.equal(agent.callers[0]!.error!.code, 'shutting_down');
});

await t.test('hanging up does not wait for the agent', async (t) => {
  const { agent, done } = await withAgent('never hangs up', { neverHangsUp: true });
  await until('streams', () => dialler.linkStates().get('streaming') === 2);
  const { socket } = agent.callers[0]!;
  let isReset = false;
  socket.on('error', () => {
    isReset = true;
  });
  done();
  await until('the collector has closed', () => {
    if (!socket.destroyed) socket.write('still here');
    return isReset;
  });
  t.pass('its descriptor is free');
  await isUndisturbed(t);
});

await t.test('connections that are reset by the hundred cost nobody else', async (t) => {
  const before = ended('connection_lost');
  const agent = await HandMadeAgent.start(t, {
    onConnection: ({ socket }) => void socket.resetAndDestroy(),
  });
  const targets = range(1, 150).map((i) => testTarget(`reset-${i}`, agent.port));
  setTargets(goodTarget, ...targets);
  await until('600 resets', () => ended('connection_lost') >= before + 600);
  await isUndisturbed(t);
  await until('each is reported', () => targets.every((it) => tap.reportsOf(it).length > 0));
  t.ok(targets.every((it) => tap.reportsOf(it).every(({ values }) => values[0] === 0)));
  setTargets(goodTarget);
  t.equal(dialler.gate.inFlight, 0);
  t.equal(dialler.gate.waiting, 0);
});

await t.test('a connection that ends inside a message is lost, no more', async (t) => {
  const before = ended('connection_lost');
  const { target, done } = await withAgent('half a frame', {
    onSubscribe(caller) {
      caller.send(catalogueMessage(), frame().subarray(0, 40));
      caller.socket.end();
    },
  });
  await until('it is counted', () => ended('connection_lost') > before);
  t.same(tap.framesOf(target), []);
  done();
  await isUndisturbed(t);
});

await t.test('a WELCOME does not earn a quick next try, a good frame does', async (t) => {
  const nonsense = frame({ catalogue: 0xfeedn });
  const liar = await HandMadeAgent.start(t, streams(nonsense));
  const flaky = await HandMadeAgent.start(t, {
    onSubscribe: (caller) => caller.send(catalogueMessage(), frame(), nonsense),
  });
  const patient = testDialler(t, bus, { backoffMsMin: 50, backoffMsMax: HOUR_MS });
  patient.setTargets(testTarget('liar', liar.port), testTarget('flaky', flaky.port));
  await until('15 tries', () => flaky.callers.length >= 15);
  t.ok(liar.callers.length < 15, `${liar.callers.length} tries`);
  await isUndisturbed(t);
});

await t.test("an agent's own words do not grow the counters without end", async (t) => {
  let tries = 0;
  const { done } = await withAgent('inventive', {
    onHello(caller) {
      tries += 1;
      caller.send(control.encodeError(`code_${tries}`, 'x'.repeat(500)));
    },
  });
  await until('its words are taken as they are', () => ended('code_2') === 1);
  done();
  for (let i = 0; i < 1000; i += 1) dialler.countEnd(`invented_${i}`);
  t.ok(dialler.counters.ends.size <= 65, `${dialler.counters.ends.size} reasons`);
  t.ok(ended('other') > 900, 'the rest is counted together');
  await isUndisturbed(t);
});
