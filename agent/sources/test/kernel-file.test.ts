import { rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { ByteScanner } from '../byte-scanner.ts';
import { KernelFile, SELDOM_READS } from '../kernel-file.ts';
import { readTextFile } from '../quiet-files.ts';
import { shareProcStat } from '../shared-kernel-file.ts';
import { RecordingSink } from './recording-sink.ts';

await t.test('a file is read anew from its beginning, whatever its length', (t) => {
  const path = `${t.testdir({ file: 'first' })}/file`;
  const sink = new RecordingSink();
  const file = new KernelFile(path, 'test', { scan: new ByteScanner(4) });
  for (const contents of ['first', 'x'.repeat(100_000), '', 'ab']) {
    writeFileSync(path, contents);
    t.ok(file.load(sink));
    t.equal(file.scan.bytes.toString('latin1', 0, file.scan.end), contents);
    t.equal(file.scan.pos, 0);
  }
  file.close();
  t.ok(file.load(sink), 'opens again');
  file.close();
  t.end();
});

await t.test('an absent file is looked for now and then', (t) => {
  const path = `${t.testdir({})}/file`;
  const sink = new RecordingSink();
  const file = new KernelFile(path, 'test');
  t.notOk(file.load(sink));
  writeFileSync(path, 'here');
  for (let read = 1; read < SELDOM_READS; read++) t.notOk(file.load(sink));
  t.ok(file.load(sink));
  t.same(sink.malformations, []);
  file.close();
  t.end();
});

await t.test('what cannot be read is absent', (t) => {
  const sink = new RecordingSink();
  const file = new KernelFile(t.testdir({}), 'test');
  t.notOk(file.load(sink), 'a directory');
  t.equal(readTextFile(t.testdirName), undefined);
  t.same(sink.malformations, []);
  file.close();
  t.end();
});

await t.test('a file beyond the limit is malformed and left out', (t) => {
  const path = `${t.testdir({ file: 'x'.repeat(65) })}/file`;
  const sink = new RecordingSink();
  const file = new KernelFile(path, 'test', { scan: new ByteScanner(8), bytesMax: 64 });
  t.notOk(file.load(sink));
  t.match(sink.malformations, [/^test: .* larger than 64 bytes$/]);
  file.close();
  writeFileSync(path, 'x'.repeat(64));
  t.ok(file.load(sink));
  file.close();
  t.end();
});

await t.test('sources that share a file see the same reading once each', (t) => {
  const root = t.testdir({ stat: 'one' });
  const sink = new RecordingSink();
  const paths = { procfs: root, sysfs: root, rootfs: root };
  const a = shareProcStat(paths);
  const b = shareProcStat(paths);
  const next = (file: typeof a): string => {
    t.ok(file.load(sink));
    t.ok(file.scan.word());
    return file.scan.wordText();
  };
  t.equal(next(a), 'one');
  writeFileSync(`${root}/stat`, 'two');
  t.equal(next(b), 'one');
  t.equal(next(b), 'two');
  t.equal(next(a), 'two');
  rmSync(`${root}/stat`);
  a.close();
  t.equal(next(b), 'two', 'open until the last one closes');
  b.close();
  t.notOk(shareProcStat(paths).load(sink));
  t.end();
});
