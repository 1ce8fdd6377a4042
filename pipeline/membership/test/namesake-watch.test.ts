import { pino } from 'pino';
import t from 'tap';
import { NamesakeWatch } from '../namesake-watch.ts';
import type { Presence } from '../presence.ts';

const SAID: Presence = {
  id: 'b',
  name: 'vm',
  startedMs: 0,
  offers: ['0'],
  owns: 0,
  isLeaving: false,
};

await t.test('another living member of our name is told of, once a minute', (t) => {
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line: string) => void lines.push(line) });
  const watch = new NamesakeWatch(log, { role: 'collector', name: 'vm' });
  watch.hear({ ...SAID, name: 'other' }, 0);
  // The one before us is about to end.
  watch.hear({ ...SAID, isLeaving: true }, 0);
  t.same(lines, []);
  for (let second = 0; second < 120; second += 1) watch.hear(SAID, 1000 * second);
  t.equal(lines.length, 2);
  t.match(JSON.parse(lines[0]!), {
    level: 50,
    role: 'collector',
    name: 'vm',
    member: 'b',
    msg: /name vm too.*--member/,
  });
  t.end();
});
