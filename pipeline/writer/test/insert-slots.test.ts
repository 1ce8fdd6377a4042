import t from 'tap';
import { InsertSlots } from '../insert-slots.ts';

const endless = new AbortController().signal;

/** Work that ends when it is told to. */
function work(log: string[], name: string) {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const run = (): Promise<void> => {
    log.push(name);
    return promise;
  };
  return { run, end: resolve, fail: reject };
}

/** Everything that can happen by itself has happened. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

await t.test('no more than the given number run at once, in order', async (t) => {
  const slots = new InsertSlots(2);
  const log: string[] = [];
  const works = ['a', 'b', 'c', 'd'].map((name) => work(log, name));
  const runs = works.map(({ run }) => slots.run(run, endless));
  await settled();
  t.same(log, ['a', 'b']);
  works[1]!.fail(new Error('b failed'));
  await t.rejects(runs[1]!, { message: 'b failed' });
  await settled();
  t.same(log, ['a', 'b', 'c'], 'a failure gives its slot back');
  for (const { end } of works) end();
  await Promise.all([runs[0], runs[2], runs[3]]);
  t.same(log, ['a', 'b', 'c', 'd']);
});

await t.test('who is aborted while it waits does nothing, and holds up nobody', async (t) => {
  const slots = new InsertSlots(1);
  const log: string[] = [];
  const stop = new AbortController();
  const [first, second, third] = ['a', 'b', 'c'].map((name) => work(log, name));
  const runs = [
    slots.run(first!.run, endless),
    slots.run(second!.run, stop.signal),
    slots.run(third!.run, endless),
  ];
  stop.abort(new Error('stopped'));
  first!.end();
  await t.rejects(runs[1]!, { message: 'stopped' });
  third!.end();
  await Promise.all([runs[0], runs[2]]);
  t.same(log, ['a', 'c']);
});
