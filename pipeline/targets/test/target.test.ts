import t from 'tap';
import { decodeTargets, encodeTargets, isSameTarget } from '../target.ts';
import type { Target } from '../target.ts';

const HOST: Target = {
  id: 7n,
  instance: 'web-1',
  address: '10.0.0.7:9113',
  labels: { job: 'node', zone: 'a' },
  intervalMs: 5000,
};

await t.test(
  'a target is the same after its way over the bus, whatever the order of its labels',
  async (t) => {
    const [arrived] = decodeTargets(encodeTargets([HOST]));
    t.equal(isSameTarget(HOST, arrived!), true);
    t.equal(isSameTarget(HOST, { ...HOST, labels: { zone: 'a', job: 'node' } }), true);
  },
);

await t.test('whatever is said of it makes it another one', async (t) => {
  const others: Partial<Target>[] = [
    { id: 8n },
    { instance: 'web-2' },
    { address: '' },
    { intervalMs: 1000 },
    { labels: { job: 'node', zone: 'b' } },
    { labels: { job: 'node' } },
    { labels: { job: 'node', zone: 'a', role: 'db' } },
    { labels: { job: 'node', toString: 'a' } },
  ];
  for (const other of others) {
    t.equal(isSameTarget(HOST, { ...HOST, ...other }), false, JSON.stringify(Object.keys(other)));
    t.equal(isSameTarget({ ...HOST, ...other }, HOST), false);
  }
});
