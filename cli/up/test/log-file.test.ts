import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import t from 'tap';
import { LINE_LENGTH_MAX, LineSplitter } from '../line-splitter.ts';
import { LogFile, logFileOf } from '../log-file.ts';

await t.test('a log grows over its runs and is rotated once it is too large', (t) => {
  const path = logFileOf(t.testdir({}), 'writer');
  t.ok(path.endsWith('/logs/writer.log'));
  const first = new LogFile(path, 8);
  first.append(['one']);
  first.close();
  const second = new LogFile(path, 8);
  second.append(['two', 'three']);
  t.equal(readFileSync(path, 'utf8'), 'one\ntwo\nthree\n');
  second.append(['four']);
  t.equal(readFileSync(`${path}.1`, 'utf8'), 'one\ntwo\nthree\n');
  second.append(['five']);
  second.append(['six']);
  t.equal(readFileSync(`${path}.1`, 'utf8'), 'four\nfive\n');
  t.equal(readFileSync(path, 'utf8'), 'six\n');
  second.close();
  t.end();
});

await t.test('lines that cannot be written are counted, and the log says so', (t) => {
  const dir = t.testdir({});
  const log = new LogFile(`${dir}/logs/a.log`);
  log.close();
  rmSync(`${dir}/logs`, { recursive: true });
  log.append(['lost', 'lost too']);
  t.equal(log.lostLines, 2);
  mkdirSync(`${dir}/logs`);
  log.append(['kept']);
  t.equal(log.lostLines, 0);
  const lines = readFileSync(log.path, 'utf8').split('\n');
  t.match(lines[0], /^rollcall: 2 lines were lost here: ENOENT/u);
  t.same(lines.slice(1), ['kept', '']);
  log.close();
  t.end();
});

await t.test('a log that cannot be opened is an error with its path', (t) => {
  const path = `${t.testdir({ logs: 'a file' })}/logs/a.log`;
  t.throws(() => new LogFile(path), { code: 'log_file_failed', message: path });
  t.end();
});

await t.test('lines come out whole, however the stream is cut', (t) => {
  const splitter = new LineSplitter();
  t.same(splitter.push('a\nb'), ['a']);
  t.same(splitter.push('c\r\n\nd'), ['bc', '']);
  t.same(splitter.end(), ['d']);
  t.same(splitter.end(), []);
  t.end();
});

await t.test('a line without end is handed on in pieces', (t) => {
  const splitter = new LineSplitter();
  const pieces = splitter.push('x'.repeat(2 * LINE_LENGTH_MAX + 1));
  t.same(
    [...pieces, ...splitter.push('\n')].map(({ length }) => length),
    [LINE_LENGTH_MAX, LINE_LENGTH_MAX, 1],
  );
  const whole = splitter.push(`${'y'.repeat(LINE_LENGTH_MAX + 2)}\n`);
  t.same(
    whole.map(({ length }) => length),
    [LINE_LENGTH_MAX, 2],
  );
  t.end();
});
