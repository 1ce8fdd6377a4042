import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { testBus, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { Ownership } from '../ownership.ts';

/** More than a heartbeat's interval: an owner that lives is heard in this time. */
const SILENCE_MS = 1500;
/** Longer than any test: only a release can hand the role over. */
const NEVER_MS = 3_600_000;
const MEMBER = fileURLToPath(new URL('member.ts', import.meta.url));
const nats = await testNats(t);

/** A process of its own as far as NATS can tell: it has its own connection. */
async function member(t: Test, fleet: string, holder: string, silenceMs = SILENCE_MS) {
  const bus = await testBus(t, nats.port, fleet);
  const ownership = new Ownership(bus, { role: 'writer', holder, silenceMs });
  const stop = new AbortController();
  const state = { lostTo: undefined as string | undefined, epoch: 0 };
  void ownership.lost.then((newHolder) => (state.lostTo = newHolder));
  t.teardown(async () => {
    stop.abort();
    await ownership.release();
  });
  const acquire = async (): Promise<number> => {
    state.epoch = await ownership.acquire(stop.signal);
    return state.epoch;
  };
  return { bus, ownership, stop, state, acquire };
}

await t.test(
  'the first claim wins, and a second one stands by while the first lives',
  async (t) => {
    const first = await member(t, 'standby', 'a');
    const second = await member(t, 'standby', 'b');
    t.equal(first.ownership.epoch, 0);
    const epoch = await first.acquire();
    t.ok(epoch > 0);
    t.equal(first.ownership.epoch, epoch);
    const waiting = second.acquire();
    const heartbeats = second.bus.connection.subscribe('standby.alive.writer', { max: 4 });
    for await (const _ of heartbeats) t.equal(second.ownership.epoch, 0, 'the first one is heard');
    t.equal(first.state.lostTo, undefined);
    second.stop.abort();
    await t.rejects(waiting, { name: 'AbortError' });
    t.equal(first.state.lostTo, undefined, 'who gives up waiting takes nothing');
  },
);

await t.test('a role that is released changes hands at once, with a higher epoch', async (t) => {
  const first = await member(t, 'release', 'a', NEVER_MS);
  const second = await member(t, 'release', 'b', NEVER_MS);
  const epoch = await first.acquire();
  const waiting = second.acquire();
  await first.ownership.release();
  t.ok((await waiting) > epoch);
  const third = await member(t, 'release', 'c', NEVER_MS);
  await second.ownership.release();
  t.ok((await third.acquire()) > second.state.epoch, 'also when nobody was waiting');
});

await t.test('an owner that is silent is replaced, and told when it wakes', async (t) => {
  const sleeper = spawn(process.execPath, [MEMBER, String(nats.port), 'silent', 'sleeper'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => sleeper.kill('SIGKILL'));
  const said = createInterface({ input: sleeper.stdout })[Symbol.asyncIterator]();
  const acquired = /^acquired (\d+)$/.exec((await said.next()).value ?? '');
  const epoch = Number(acquired?.[1]);
  t.ok(epoch > 0);
  const waking = await member(t, 'silent', 'b');
  sleeper.kill('SIGSTOP');
  const taken = await waking.acquire();
  t.ok(taken > epoch);
  sleeper.kill('SIGCONT');
  t.equal((await said.next()).value, 'lost to b');
  t.equal((await said.next()).value, 'released');
  t.equal(waking.state.lostTo, undefined, 'a release that comes too late is refused');
  const { topology } = waking.bus;
  const subject = topology.stateSubject('owner', 'writer');
  t.equal(epochOf(await waking.bus.last(topology.stateStream, subject)), taken);
});

await t.test('an owner that is killed is replaced', async (t) => {
  const victim = spawn(process.execPath, [MEMBER, String(nats.port), 'killed', 'victim'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => victim.kill('SIGKILL'));
  await once(victim.stdout, 'data');
  const next = await member(t, 'killed', 'b');
  victim.kill('SIGKILL');
  t.ok((await next.acquire()) > 0);
});

await t.test('releasing a role that one does not have changes nothing', async (t) => {
  const owner = await member(t, 'idle', 'a');
  const other = await member(t, 'idle', 'b');
  const epoch = await owner.acquire();
  await other.ownership.release();
  const { topology } = owner.bus;
  const subject = topology.stateSubject('owner', 'writer');
  t.equal(epochOf(await owner.bus.last(topology.stateStream, subject)), epoch);
  t.equal(owner.state.lostTo, undefined);
});

await t.test('of many who claim at once one has the role', async (t) => {
  const members = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map((holder) => member(t, 'crowd', holder, NEVER_MS)),
  );
  const waiting = members.map(({ acquire }) => acquire().catch(() => 0));
  await Promise.race(waiting);
  const owners = (): typeof members => members.filter(({ ownership }) => ownership.epoch > 0);
  t.equal(owners().length, 1);
  await owners()[0]!.ownership.release();
  await until('the next one has it', () => owners().length === 2);
  for (const { stop } of members) stop.abort();
  await Promise.all(waiting);
  t.equal(owners().length, 2);
});

await t.test('roles are independent of each other', async (t) => {
  const bus = await testBus(t, nats.port, 'roles');
  const roles = ['collector', 'writer', 'alerter'].map(
    (role) => new Ownership(bus, { role, holder: 'a', silenceMs: NEVER_MS }),
  );
  for (const ownership of roles) {
    t.teardown(() => ownership.release());
    t.ok((await ownership.acquire(new AbortController().signal)) > 0);
  }
});

await t.test('a restart of the server takes the role from nobody', async (t) => {
  const first = await member(t, 'restart', 'a', NEVER_MS);
  const second = await member(t, 'restart', 'b', NEVER_MS);
  const epoch = await first.acquire();
  const waiting = second.acquire();
  await nats.kill();
  await until('both notice', () => !first.bus.isConnected && !second.bus.isConnected);
  await nats.startAgain();
  await until('both are back', () => first.bus.isConnected && second.bus.isConnected);
  await first.ownership.release();
  t.ok((await waiting) > epoch);
  t.equal(first.state.lostTo, undefined);
});

await t.test('epochs grow even when JetStream has lost what it knew', async (t) => {
  const first = await member(t, 'wiped', 'a');
  const epoch = await first.acquire();
  await first.ownership.release();
  const { topology } = first.bus;
  const { state } = await first.bus.streamInfo(topology.stateStream);
  await first.bus.trim(topology.stateStream, state.last_seq + 1);
  const second = await member(t, 'wiped', 'b');
  t.ok((await second.acquire()) > epoch);
});

function epochOf(claim: { data: Uint8Array } | undefined): number {
  return (JSON.parse(Buffer.from(claim!.data).toString()) as { epoch: number }).epoch;
}
