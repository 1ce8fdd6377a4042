import t from 'tap';
import { retry } from '../retry.ts';

async function fails(): Promise<never> {
  throw new Error('never');
}

const pauses = { pauseMsMin: 1, pauseMsMax: 2 };

await t.test('it tries until it works, and every failure is told', async (t) => {
  const told: unknown[] = [];
  let tries = 0;
  const value = await retry(
    async () => {
      tries += 1;
      if (tries < 4) throw new Error(`try ${tries}`);
      return 'done';
    },
    { ...pauses, signal: new AbortController().signal, onRetry: (error) => told.push(error) },
  );
  t.equal(value, 'done');
  t.same(
    told.map((error) => (error as Error).message),
    ['try 1', 'try 2', 'try 3'],
  );
});

await t.test('a final error is thrown at once', async (t) => {
  let tries = 0;
  const attempt = async (): Promise<never> => {
    tries += 1;
    throw new TypeError('for good');
  };
  const options = {
    ...pauses,
    signal: new AbortController().signal,
    isFinal: (error: unknown) => error instanceof TypeError,
    onRetry: () => t.fail('there is no second try'),
  };
  await t.rejects(retry(attempt, options), { message: 'for good' });
  t.equal(tries, 1);
});

await t.test('an abort ends the pause and the tries', async (t) => {
  const stop = new AbortController();
  const options = { pauseMsMin: 1e9, pauseMsMax: 1e9, signal: stop.signal };
  await t.rejects(retry(fails, { ...options, onRetry: () => stop.abort() }), {
    name: 'AbortError',
  });
  await t.rejects(retry(fails, { ...options, onRetry: () => t.fail('not even once') }));
});
