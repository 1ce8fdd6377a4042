import { pino } from 'pino';
import t from 'tap';
import { FailureStreak } from '../failure-streak.ts';

function recorded() {
  const lines: string[] = [];
  const write = (line: string): void => {
    const { level, msg, reason = '' } = JSON.parse(line) as Record<string, string>;
    lines.push(`${level} ${msg} ${reason}`.trim());
  };
  return { lines, log: pino({ level: 'info' }, { write }) };
}

await t.test('a streak is said once, and its end', async (t) => {
  const { lines, log } = recorded();
  const streak = new FailureStreak(log, 'trim x', 'allow it');
  const said = '40 cannot trim x; trying again. If it goes on: allow it because';
  for (let i = 0; i < 3; i += 1) streak.failed(new Error('because'));
  t.same(lines, [said]);
  streak.worked();
  streak.worked();
  t.same(lines, [said, '30 can trim x again']);
  streak.failed(new Error('because'));
  t.equal(lines.length, 3, 'the next streak is said again');
});

await t.test('a short one is not said when it may be', async (t) => {
  const { lines, log } = recorded();
  const streak = new FailureStreak(log, 'read', 'look', 2);
  const fail = (times: number): void => {
    for (let i = 0; i < times; i += 1) streak.failed('x');
  };
  fail(2);
  streak.worked();
  fail(2);
  t.same(lines, []);
  fail(1);
  t.equal(lines.length, 1);
});
