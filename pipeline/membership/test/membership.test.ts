import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import type { Bus } from '../../bus/bus.ts';
import { testBus, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { decodeClaim, encodeClaim } from '../claim.ts';
import type { Claim } from '../claim.ts';
import { Membership } from '../membership.ts';

const MEMBER = fileURLToPath(new URL('member.ts', import.meta.url));
const LANES = ['0', '1', '2', '3'];
const nats = await testNats(t);

interface Wanted {
  readonly parts?: readonly string[];
  readonly role?: string;
  /** How long dropping a part takes. */
  readonly dropped?: (part: string) => Promise<void>;
}

/** A member with a connection of its own: a process of its own, as far as NATS can tell. */
async function member(t: Test, fleet: string, name: string, wanted: Wanted = {}) {
  const bus = await testBus(t, nats.port, fleet);
  const working = new Map<string, number>();
  const events: string[] = [];
  const giveUp = new Map<string, () => void>();
  const membership = new Membership(bus, {
    role: wanted.role ?? 'writer',
    name,
    parts: wanted.parts ?? LANES,
    spread: 'even',
    owner: {
      take: (part, epoch, give) => {
        working.set(part, epoch);
        giveUp.set(part, give);
        events.push(`take ${part}`);
      },
      drop: async (part, why) => {
        await wanted.dropped?.(part);
        working.delete(part);
        events.push(`${why} ${part}`);
      },
    },
  });
  let failure: unknown;
  const running = membership.run().catch((error: unknown) => (failure = error));
  t.teardown(async () => {
    await membership.leave();
    await running;
  });
  const parts = (): string[] => [...working.keys()].toSorted();
  return { bus, membership, working, events, parts, giveUp, failure: () => failure };
}

async function claimOf(bus: Bus, part: string, role = 'writer'): Promise<Claim | undefined> {
  const subject = bus.topology.stateSubject('owner', role, part);
  const value = await bus.last(bus.topology.stateStream, subject);
  return value === undefined ? undefined : decodeClaim(value.data);
}

await t.test('the only member has everything; each that joins takes its share', async (t) => {
  const a = await member(t, 'shares', 'a');
  await a.membership.ready;
  t.same(a.parts(), LANES);
  t.equal(a.membership.members, 1);
  const before = new Map(a.working);
  const b = await member(t, 'shares', 'b');
  await until('two each', () => a.working.size === 2 && b.working.size === 2);
  t.same([...a.parts(), ...b.parts()].toSorted(), LANES);
  for (const [part, epoch] of b.working) {
    t.ok(epoch > before.get(part)!, 'epochs grow');
    const claim = await claimOf(b.bus, part);
    t.match(claim, { member: b.membership.id, name: 'b', epoch, isReleased: false });
  }
  const c = await member(t, 'shares', 'c');
  const d = await member(t, 'shares', 'd');
  const all = [a, b, c, d];
  await until('one each', () => all.every(({ working }) => working.size === 1));
  t.equal(new Set(all.flatMap(({ parts }) => parts())).size, 4);
  t.ok(all.every(({ membership }) => membership.members === 4));
  await c.membership.leave();
  t.same(c.parts(), []);
  const left = [a, b, d];
  await until('the others have it', () => new Set(left.flatMap(({ parts }) => parts())).size === 4);
  t.same(
    all.map(({ failure }) => failure()),
    [undefined, undefined, undefined, undefined],
  );
});

await t.test('a part is worked on by nobody else before its work has ended', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const a = await member(t, 'orderly', 'a', { parts: ['0'], dropped: () => promise });
  await a.membership.ready;
  const leaving = a.membership.leave();
  const b = await member(t, 'orderly', 'b', { parts: ['0'] });
  await b.membership.ready;
  await until('b is heard', () => a.membership.members === 2);
  t.same(b.parts(), [], 'a still works on it');
  resolve();
  await leaving;
  await until('b has it', () => b.working.size === 1);
});

await t.test('a member that is silent is replaced, and told when it wakes', async (t) => {
  const sleeper = spawn(process.execPath, [MEMBER, String(nats.port), 'silent', 'sleeper'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => sleeper.kill('SIGKILL'));
  let said = '';
  sleeper.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until('it is ready', () => said.includes('ready'));
  t.equal([...said.matchAll(/took/g)].length, 4);
  sleeper.kill('SIGSTOP');
  const b = await member(t, 'silent', 'b');
  await until('b has everything', () => b.working.size === 4);
  const epochs = [...said.matchAll(/took (\d) (\d+)/g)].map(([, part, epoch]) => {
    return b.working.get(part!)! > Number(epoch);
  });
  t.same(epochs, [true, true, true, true], 'under higher epochs');
  sleeper.kill('SIGCONT');
  await until('it knows', () => [...said.matchAll(/dropped \d/g)].length === 4);
  await until('it gets its share again', () => [...said.matchAll(/took/g)].length >= 6);
  await until('and no more', () => b.working.size === 2);
});

await t.test('a member that is killed is replaced', async (t) => {
  const victim = spawn(process.execPath, [MEMBER, String(nats.port), 'killed', 'victim'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => victim.kill('SIGKILL'));
  const b = await member(t, 'killed', 'b');
  await until('they share', () => b.working.size === 2 && b.membership.members === 2);
  victim.kill('SIGKILL');
  await until('b has everything', () => b.working.size === 4);
  t.equal(b.membership.members, 1);
});

await t.test('of many who come at once each part has one owner', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f'];
  const members = await Promise.all(names.map((name) => member(t, 'crowd', name)));
  await Promise.all(members.map(({ membership }) => membership.ready));
  const owners = (): string[] => members.flatMap(({ parts }) => parts()).toSorted();
  // While the last of them comes a part may still be on its way from one to another.
  await until(
    'all are owned, once, and nobody has two',
    () => owners().join() === LANES.join() && members.every(({ working }) => working.size < 2),
  );
});

await t.test('a part that cannot be worked on comes back under a higher epoch', async (t) => {
  const a = await member(t, 'gives_up', 'a', { parts: ['0'] });
  await a.membership.ready;
  const epoch = a.working.get('0')!;
  a.giveUp.get('0')!();
  await until('it is dropped', () => a.events.includes('moved 0'));
  await until('and taken again', () => a.working.size === 1);
  t.ok(a.working.get('0')! > epoch);
});

await t.test('a claim with a higher epoch ends ours, whoever made it', async (t) => {
  const a = await member(t, 'usurped', 'a', { parts: ['0'] });
  await a.membership.ready;
  const epoch = a.working.get('0')! + 1000;
  const stranger = { member: 'stranger', name: 'x', epoch, isReleased: false };
  const subject = a.bus.topology.stateSubject('owner', 'writer', '0');
  await a.bus.publish(subject, encodeClaim(stranger));
  await until('it is lost', () => a.events.includes('lost 0'));
  t.equal(a.membership.counters.lost, 1);
  await until('the stranger is never heard, and replaced', () => a.working.size === 1);
  t.ok(a.working.get('0')! > epoch);
});

await t.test('what is no claim is displaced by one', async (t) => {
  const { bus } = await member(t, 'garbage', 'other', { role: 'other' });
  const subject = bus.topology.stateSubject('owner', 'writer', '0');
  await bus.publish(subject, Buffer.from('no claim'));
  const a = await member(t, 'garbage', 'a', { parts: ['0', '1'] });
  await a.membership.ready;
  t.same(a.parts(), ['0', '1'], 'one that nobody owned');
  const epoch = a.working.get('0')!;
  await bus.publish(subject, Buffer.from('no claim'));
  await until('its own is given up', () => a.events.includes('lost 0'));
  await until('and taken again', () => a.working.has('0'));
  t.ok(a.working.get('0')! > epoch);
  t.match(await claimOf(bus, '0'), { member: a.membership.id, isReleased: false });
  t.equal(a.failure(), undefined);
});

await t.test('claims that were made anew end a member, however many they are', async (t) => {
  const a = await member(t, 'anew', 'a', { parts: ['0'] });
  await a.membership.ready;
  const { stateStream } = a.bus.topology;
  const { state } = await a.bus.streamInfo(stateStream);
  await a.bus.manager.streams.delete(stateStream);
  await a.bus.ensureStreams();
  const subject = a.bus.topology.stateSubject('something');
  for (let i = 0; i <= state.last_seq; i += 1) await a.bus.publish(subject, Buffer.from('x'));
  await until('it ends', () => a.failure() !== undefined);
  t.match(a.failure(), { code: 'stream_replaced' });
});

await t.test('roles, and fleets, are independent of each other', async (t) => {
  const writer = await member(t, 'roles', 'a', { role: 'writer' });
  const alerter = await member(t, 'roles', 'a', { role: 'alerter' });
  const other = await member(t, 'roles2', 'a');
  for (const { membership, parts } of [writer, alerter, other]) {
    await membership.ready;
    t.same(parts(), LANES);
    t.equal(membership.members, 1);
  }
});

await t.test('a restart of the server takes nothing from anybody', async (t) => {
  const a = await member(t, 'restart', 'a');
  const b = await member(t, 'restart', 'b');
  await until('two each', () => a.working.size === 2 && b.working.size === 2);
  const before = new Map([...a.working, ...b.working]);
  await nats.kill();
  await until('both notice', () => !a.bus.isConnected && !b.bus.isConnected);
  await nats.startAgain();
  await until('both are back', () => a.bus.isConnected && b.bus.isConnected);
  const c = await member(t, 'restart', 'c');
  await until('a third one gets its share, one or two', () => c.working.size > 0);
  // Its coming may move a part between the others as well, in order and under a new epoch.
  const events = [...a.events, ...b.events];
  t.notOk(events.some((event) => event.startsWith('lost')));
  for (const [part, epoch] of [...a.working, ...b.working]) {
    if (!events.includes(`moved ${part}`)) t.equal(epoch, before.get(part), part);
  }
});

await t.test('epochs grow even when JetStream has lost what it knew', async (t) => {
  const a = await member(t, 'wiped', 'a', { parts: ['0'] });
  await a.membership.ready;
  const epoch = a.working.get('0')!;
  await a.membership.leave();
  const { stateStream } = a.bus.topology;
  const { state } = await a.bus.streamInfo(stateStream);
  await a.bus.trim(stateStream, state.last_seq + 1);
  const b = await member(t, 'wiped', 'b', { parts: ['0'] });
  await b.membership.ready;
  t.ok(b.working.get('0')! > epoch);
});
