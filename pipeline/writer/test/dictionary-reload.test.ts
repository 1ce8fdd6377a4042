import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { DictionaryReload } from '../dictionary-reload.ts';

/** Reloads that end when the test says so. */
class Scripted {
  readonly ends: PromiseWithResolvers<void>[] = [];

  readonly reload = (): Promise<void> => {
    const end = Promise.withResolvers<void>();
    this.ends.push(end);
    return end.promise;
  };

  async begun(count: number): Promise<void> {
    while (this.ends.length < count) await sleep(1);
  }
}

await t.test(
  'one reload serves all who asked before it began, and none who asked later',
  async (t) => {
    const scripted = new Scripted();
    const dictionary = new DictionaryReload(scripted.reload);
    const served: string[] = [];
    const ask = (who: string): Promise<unknown> =>
      dictionary.request().then(() => served.push(who));
    const first = [ask('a'), ask('b')];
    await scripted.begun(1);
    const second = [ask('c'), ask('d')];
    scripted.ends[0]!.resolve();
    await Promise.all(first);
    t.same(served, ['a', 'b']);
    await scripted.begun(2);
    scripted.ends[1]!.resolve();
    await Promise.all(second);
    t.same(served, ['a', 'b', 'c', 'd']);
    t.equal(scripted.ends.length, 2);
  },
);

await t.test('a reload that fails is told to who waited for it, and not to the next', async (t) => {
  const scripted = new Scripted();
  const dictionary = new DictionaryReload(scripted.reload);
  const first = dictionary.request();
  await scripted.begun(1);
  const second = dictionary.request();
  scripted.ends[0]!.reject(new Error('away'));
  await t.rejects(first, { message: 'away' });
  await scripted.begun(2);
  scripted.ends[1]!.resolve();
  await t.resolves(second);
});
