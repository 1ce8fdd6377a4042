import t from 'tap';
import { Random } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import { SimulatedNetwork } from '../simulated-network.ts';
import { SimulatedProcess } from '../simulated-process.ts';
import type { SimulatedSocket } from '../simulated-socket.ts';

function draw(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 1000 }, () => random.whole(3, 6));
}

/** The order in which events of the same instant come. */
function order(seed: number, isInOrder: boolean): string {
  const scheduler = new Scheduler(seed);
  let seen = '';
  for (const name of 'abcdef') {
    scheduler.at(1, undefined, name, () => (seen += name), isInOrder);
  }
  runAll(scheduler);
  return seen;
}

function runAll(scheduler: Scheduler): void {
  while (scheduler.step());
}

/** Runs events until there are none, with what Node does between them. */
async function runAllAndWait(scheduler: Scheduler): Promise<void> {
  while (scheduler.step()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

await t.test('chance repeats with its seed, and covers its range', (t) => {
  t.same(draw(9), draw(9));
  t.notSame(draw(9), draw(10));
  t.notSame(draw(1), draw(1 + 2 ** 32), 'seeds above 32 bits differ');
  t.same(new Set(draw(9)), new Set([3, 4, 5, 6]));
  t.end();
});

await t.test('events come in the order of their time, and time jumps', (t) => {
  const scheduler = new Scheduler(1);
  const seen: [string, number][] = [];
  for (const [name, delayMs] of [
    ['c', 30],
    ['a', 5],
    ['b', 10],
  ] as const) {
    scheduler.after(delayMs, undefined, name, () => seen.push([name, scheduler.nowMs]));
  }
  runAll(scheduler);
  t.same(seen, [
    ['a', 5],
    ['b', 10],
    ['c', 30],
  ]);
  t.end();
});

await t.test('what is due at once comes in any order, unless the order was asked for', (t) => {
  const orders = new Set(Array.from({ length: 20 }, (_, seed) => order(seed, false)));
  t.ok(orders.size > 10, 'seeds differ');
  t.equal(order(3, false), order(3, false), 'a seed repeats');
  t.equal(order(3, true), 'abcdef');
  t.end();
});

await t.test('a dead process has no events, a stopped one has them when it wakes', (t) => {
  const scheduler = new Scheduler(1);
  const dead = new SimulatedProcess('dead');
  const stopped = new SimulatedProcess('stopped');
  const seen: string[] = [];
  scheduler.after(10, dead, 'never', () => seen.push('never'));
  scheduler.after(10, stopped, 'first', () => seen.push(`first at ${scheduler.nowMs}`));
  scheduler.after(20, stopped, 'second', () => seen.push(`second at ${scheduler.nowMs}`));
  scheduler.after(5, undefined, 'strike', () => {
    dead.kill();
    stopped.state = 'stopped';
  });
  scheduler.after(50, undefined, 'wake', () => scheduler.resume(stopped));
  runAll(scheduler);
  t.same(seen, ['first at 50', 'second at 50']);
  t.end();
});

/** Two processes, one of which listens; what it hears is gathered. */
function twoProcesses(seed: number) {
  const scheduler = new Scheduler(seed);
  const network = new SimulatedNetwork(scheduler);
  const server = new SimulatedProcess('server');
  const client = new SimulatedProcess('client');
  const heard: string[] = [];
  const dialled: { socket?: SimulatedSocket } = {};
  scheduler.after(0, server, 'listen', () => {
    const listener = network.createListener((socket) => {
      socket.on('data', (chunk: Buffer) => heard.push(chunk.toString()));
      socket.on('error', (error: NodeJS.ErrnoException) => heard.push(`[${error.code}]`));
      socket.on('close', () => heard.push('[closed]'));
    });
    listener.listen({ port: 1 });
  });
  scheduler.after(1, client, 'dial', () => {
    dialled.socket = network.dial({ port: 1 });
    dialled.socket.on('error', () => undefined);
  });
  const write = (atMs: number, text: string): void => {
    scheduler.at(atMs, client, 'write', () => dialled.socket!.write(Buffer.from(text)));
  };
  return { scheduler, network, server, client, heard, write };
}

await t.test('bytes arrive whole and in order, in whatever pieces', async (t) => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const { scheduler, heard, write } = twoProcesses(seed);
    for (let i = 0; i < 20; i += 1) write(100 + i, `message-${i};`);
    await runAllAndWait(scheduler);
    const wanted = Array.from({ length: 20 }, (_, i) => `message-${i};`).join('');
    t.equal(heard.join(''), wanted, `seed ${seed}`);
  }
});

await t.test('a cut link carries nothing until it is healed', async (t) => {
  const { scheduler, network, heard, write } = twoProcesses(4);
  write(100, 'before ');
  scheduler.at(200, undefined, 'cut', () => network.cut('client', 'server'));
  write(300, 'meanwhile');
  const atHeal: string[] = [];
  scheduler.at(5000, undefined, 'heal', () => {
    atHeal.push(...heard);
    network.heal('client', 'server', false);
  });
  await runAllAndWait(scheduler);
  t.same(atHeal.join(''), 'before ');
  t.same(heard.join(''), 'before meanwhile');
});

await t.test('a peer learns that a process died, and that a link was reset', async (t) => {
  const died = twoProcesses(5);
  died.scheduler.at(200, undefined, 'kill', () => died.client.kill());
  await runAllAndWait(died.scheduler);
  t.same(died.heard, ['[closed]']);
  const reset = twoProcesses(6);
  reset.scheduler.at(200, undefined, 'reset', () => reset.network.resetAll('client', 'server'));
  await runAllAndWait(reset.scheduler);
  t.same(reset.heard, ['[ECONNRESET]', '[closed]']);
});
