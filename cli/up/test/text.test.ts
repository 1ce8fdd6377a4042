import t from 'tap';
import { describeEvent, formatEventLine } from '../event-line.ts';
import { age, bytes, clockTime, count, duration, short } from '../quantity.ts';
import { sayNotification } from '../services.ts';
import { cut, displayWidth, fit, neutralise } from '../text-cell.ts';

process.env['TZ'] = 'UTC';

await t.test('text is measured in columns of the terminal', (t) => {
  t.equal(displayWidth('abc'), 3);
  t.equal(displayWidth('日本'), 4);
  t.equal(displayWidth('ｱｲ'), 2);
  t.equal(displayWidth('🔥x'), 3);
  t.equal(displayWidth('e\u0323'), 1);
  t.equal(displayWidth('█░…–'), 4);
  t.end();
});

await t.test('text is cut at a whole character', (t) => {
  t.equal(cut('abcdef', 6), 'abcdef');
  t.equal(cut('abcdef', 4), 'abc…');
  t.equal(cut('ab cdef', 4), 'ab…');
  t.equal(cut('日本語', 4), '日…');
  t.equal(cut('abc', 1), '…');
  t.equal(cut('abc', 0), '');
  t.equal(fit('日本語', 4), '日… ');
  t.equal(fit('7', 3, 'right'), '  7');
  t.end();
});

await t.test('hostile characters are shown as replaced', (t) => {
  t.equal(neutralise('\x1b[31mred\x7f'), '�[31mred�');
  t.equal(neutralise('one\n\ttwo\u2028three'), 'one two�three');
  t.equal(neutralise('zero\u200bwidth\ufeff'), 'zero�width�');
  t.equal(neutralise(`e${'\u0323'.repeat(50)}`), 'ẹ\u0323\u0323');
  t.equal(neutralise('\u0301x'), '�x');
  t.equal(neutralise('München, 東京, ❤\ufe0f'), 'München, 東京, ❤');
  t.end();
});

await t.test('the time of an alert is said once', (t) => {
  const said: string[] = [];
  const say = (name: string, text: string): void => void said.push(`${name}: ${text}`);
  sayNotification('05:18:39 FIRING  Watchdog', say);
  sayNotification('--:--:-- FIRING  Watchdog', say);
  sayNotification('{"level":30}', say);
  t.same(said, ['alert: FIRING  Watchdog', 'alert: FIRING  Watchdog']);
  t.end();
});

await t.test('quantities are short, and a missing one is a dash', (t) => {
  t.same(
    [0, 7, 0.4234, 9.996, 999.4, 999.6, 20_112, 1e6, 1.25e9].map((value) => short(value)),
    ['0', '7', '0.42', '10.0', '999', '1.00k', '20.1k', '1.00M', '1.25G'],
  );
  t.same(
    [0, 812, 1023.6, 1024, 1.5 * 1024 ** 2, 1000 * 1024 ** 2].map((value) => bytes(value)),
    ['0 B', '812 B', '1.00 KiB', '1.00 KiB', '1.50 MiB', '1000 MiB'],
  );
  t.same(
    [0.04, 9.94, 9.96, 59.4, 59.6, 187, 7500, 273_600].map((value) => duration(value)),
    ['0.0 s', '9.9 s', '10 s', '59 s', '1m 00s', '3m 07s', '2h 05m', '3d 04h'],
  );
  t.equal(count(1_234_567), '1,234,567');
  t.equal(age(1000, 60_999), '59s');
  t.equal(age(2000, 1000), '0s');
  for (const missing of [undefined, Number.NaN, Infinity]) {
    const shown = [count, short, bytes, duration, clockTime].map((show) => show(missing));
    t.same([...shown, age(missing, 0)], ['–', '–', '–', '–', '–', '–']);
  }
  t.end();
});

await t.test('an event is a line that a person can read', (t) => {
  const about = { service: 'writer', pid: 4711, detail: '' };
  t.equal(
    formatEventLine(3_661_000, { ...about, kind: 'died', detail: 'exit code 1\x1b[2J' }),
    '01:01:01  writer        died: exit code 1�[2J',
  );
  t.same(
    [
      describeEvent({ ...about, kind: 'started' }),
      describeEvent({ ...about, kind: 'ready' }),
      describeEvent({ ...about, kind: 'restarting', pid: undefined, detail: 'in 412 ms' }),
      describeEvent({ ...about, kind: 'stopped' }),
      describeEvent({ ...about, kind: 'stopped', detail: 'by force' }),
    ],
    ['started as process 4711', 'ready', 'restarting in 412 ms', 'stopped', 'stopped by force'],
  );
  t.end();
});
