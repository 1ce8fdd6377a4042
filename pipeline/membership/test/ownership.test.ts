import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Test } from 'tap';
import { testBus, testNats } from '../../embedded/test-servers.ts';
import { until } from '../../embedded/test/until.ts';
import { Ownership } from '../ownership.ts';

/** More than a heartbeat's interval: an owner that lives is heard in this time. */
const SILENCE_MS = 1500;
const nats = await testNats(t);

/** A process of its own as far as NATS can tell: it has its own connection. */
async function member(t: Test, fleet: string, holder: string, role = 'writer') {
  const bus = await testBus(t, nats.port, fleet);
  const ownership = new Ownership(bus, { role, holder, silenceMs: SILENCE_MS });
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

await t.test('the first claim wins, and a second one stands by while the first lives', async (t) => {
  const first = await member(t, 'standby', 'a');
  const second = await member(t, 'standby', 'b');
  t.equal(first.ownership.epoch, 0);
  const epoch = await first.acquire();
  t.ok(epoch > 0);
  t.equal(first.ownership.epoch, epoch);
  const waiting = second.acquire();
  const outcome = await Promise.race([waiting, sleep(2 * SILENCE_MS, 'still standing by')]);
  t.equal(outcome, 'still standing by');
  t.equal(second.ownership.epoch, 0);
  t.equal(first.state.lostTo, undefined);
  second.stop.abort();
  await t.rejects(waiting, { name: 'AbortError' });
  t.equal(first.state.lostTo, undefined, 'who gives up waiting takes nothing');
});

await t.test('a role that is released changes hands at once, with a higher epoch', async (t) => {
  const first = await member(t, 'release', 'a');
  const second = await member(t, 'release', 'b');
  const epoch = await first.acquire();
  const waiting = second.acquire();
  await first.ownership.release();
  t.ok((await waiting) > epoch);
  const third = await member(t, 'release', 'c');
  await second.ownership.release();
  t.ok((await third.acquire()) > second.state.epoch, 'also when nobody was waiting');
});

await t.test('an owner that falls silent is replaced and told', async (t) => {
  const first = await member(t, 'silent', 'a');
  const second = await member(t, 'silent', 'b');
  const epoch = await first.acquire();
  await first.bus.close();
  t.ok((await second.acquire()) > epoch);

  const third = await member(t, 'silent', 'c');
  await third.ownership.release();
  t.equal(third.ownership.epoch, 0, 'releasing what one does not have changes nothing');
  t.equal(second.state.lostTo, undefined);
});

await t.test('an owner whose role was taken learns who has it', async (t) => {
  const first = await member(t, 'taken', 'a');
  const second = await member(t, 'taken', 'b');
  const epoch = await first.acquire();
  // The first one still listens but is not heard: its heartbeats go nowhere.
  t.intercept(first.bus.connection, 'publish', { value: () => undefined });
  const taken = await second.acquire();
  t.ok(taken > epoch);
  t.equal(await first.ownership.lost, 'b');
  await first.ownership.release();
  t.equal(second.state.lostTo, undefined, 'a release that comes too late is refused');
  const { topology } = second.bus;
  const claim = await second.bus.last(topology.stateStream, topology.stateSubject('owner', 'writer'));
  t.equal(claim?.seq, taken);
});

await t.test('of many who claim at once one has the role', async (t) => {
  const members = await Promise.all(
    ['a', 'b', 'c', 'd', 'e'].map((holder) => member(t, 'crowd', holder)),
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
  const writer = await member(t, 'roles', 'a', 'writer');
  const alerter = await member(t, 'roles', 'b', 'alerter');
  t.ok((await writer.acquire()) > 0);
  t.ok((await alerter.acquire()) > 0);
  t.equal(writer.state.lostTo, undefined);
});

await t.test('a restart of the server takes the role from nobody', async (t) => {
  const first = await member(t, 'restart', 'a');
  const second = await member(t, 'restart', 'b');
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
