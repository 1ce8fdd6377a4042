import t from 'tap';
import { testClickHouse, testStore } from '../../embedded/test-servers.ts';
import { listRuleFiles, putRuleFiles, removeRuleFiles } from '../rule-store.ts';
import { decodeRuleFile, ruleTopic } from '../rule-topic.ts';

const clickhouse = await testClickHouse(t);
const CONTENT = 'groups:\n  - name: "a" # a comment\n    rules: []\n';

await t.test('rule files are listed by name, with their text as it was', async (t) => {
  const store = await testStore(t, clickhouse.port, 'listed');
  t.same(await listRuleFiles(store), []);
  await putRuleFiles(store, []);
  await putRuleFiles(store, [
    { name: 'b.yaml', content: CONTENT },
    { name: 'a.yaml', content: '' },
  ]);
  t.same(await listRuleFiles(store), [
    { name: 'a.yaml', content: '' },
    { name: 'b.yaml', content: CONTENT },
  ]);
});

await t.test('the newest text counts, and a file that was removed is gone', async (t) => {
  const store = await testStore(t, clickhouse.port, 'changed');
  await putRuleFiles(
    store,
    ['a', 'b', 'c'].map((name) => ({ name, content: '1' })),
  );
  await putRuleFiles(store, [{ name: 'b', content: '2' }]);
  await removeRuleFiles(store, ['a']);
  t.same(await listRuleFiles(store), [
    { name: 'b', content: '2' },
    { name: 'c', content: '1' },
  ]);
  await putRuleFiles(store, [{ name: 'a', content: '3' }]);
  t.same((await listRuleFiles(store))[0], { name: 'a', content: '3' });
});

await t.test('every file has a key of its own, whose revision grows with it', async (t) => {
  const store = await testStore(t, clickhouse.port, 'topic');
  await putRuleFiles(store, [
    { name: 'dir/a.yaml', content: CONTENT },
    { name: 'b *.>', content: '1' },
  ]);
  const before = await ruleTopic.revisions(store);
  t.equal(before.size, 2);
  for (const key of before.keys()) t.match(key, /^[0-9a-f]{16}$/, 'fit to be a subject token');
  await putRuleFiles(store, [{ name: 'b *.>', content: '2' }]);
  await removeRuleFiles(store, ['dir/a.yaml']);
  const after = await ruleTopic.revisions(store);
  const values = [];
  for (const [key, revision] of after) {
    t.ok(revision > before.get(key)!);
    values.push(decodeRuleFile(await ruleTopic.value(store, key)));
  }
  t.same(
    values.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    [
      { name: 'b *.>', content: '2' },
      { name: 'dir/a.yaml', content: undefined },
    ],
  );
});
