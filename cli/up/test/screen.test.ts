import t from 'tap';
import { renderScreen } from '../screen.ts';
import type { Snapshot } from '../snapshot.ts';
import { displayWidth } from '../text-cell.ts';
import { EMPTY, NOW_MS, SAMPLE, service } from './sample-snapshot.ts';

// The screen shows local time.
process.env['TZ'] = 'UTC';

function screen(snapshot: Snapshot, columns = 80, rows = 24): string[] {
  return renderScreen(snapshot, { columns, rows, colour: false });
}

await t.test('a busy system fits 80 by 24', (t) => {
  t.same(screen(SAMPLE), [
    'Rollcall  staging                                                       14:03:22',
    'Targets 49,988 up, 12 down   Samples 2.00M/s in, 1.25M/s stored   Fresh 3.2 s',
    '',
    'Services ─────────────────────────────────────────  Queues ─────────────────────',
    'name          pid  state       restarts    since    name     full       holds',
    'nats-server  4101  ready              0  12m 04s    lane 0   ▏░░░░░  12.0 MiB',
    'clickhouse   4102  ready              0  12m 03s    lane 1   █████▎   900 MiB',
    'collector    4103  ready              0  12m 01s    writer   ░░░░░░         0',
    'writer          –  restarting         3       2s    alerter  –              –',
    'alerter      4105  ready              0  11m 59s',
    'agent        4106  ready              0  11m 58s',
    '',
    'Alerts  2 firing, 1 pending ────────────────────────────────────────────────────',
    'firing   HostDown   web-12:9100  3m 07s',
    'firing   ClockSkew  –            2h 05m',
    'pending  DiskFills  db-3:9100       45s',
    '',
    'Notifications ──────────────────────────────────────────────────────────────────',
    '14:02:22  resolved  LinkFlaps  ops-webhook  failed: 503, retried in 4 s',
    '14:00:15  firing    HostDown   ops-webhook  delivered',
    '',
    'Ctrl-C stops everything; logs are in data/logs',
  ]);
  t.end();
});

await t.test('a bar is lit as far as the queue is full, and under a hundredth not at all', (t) => {
  const queues = [0, 0.009, 0.01, 1 / 12, 0.5, 0.99, 2].map((share, i) => {
    return { name: `q${i}`, unit: 'count' as const, value: share * 1000, max: 1000 };
  });
  const lines = screen({ ...EMPTY, queues }, 40, 40).filter((line) => /^q\d/.test(line));
  t.same(
    lines.map((line) => line.split(/ +/)[1]),
    ['░░░░░░', '░░░░░░', '▏░░░░░', '▌░░░░░', '███░░░', '██████', '██████'],
  );
  t.end();
});

await t.test('what is stored beyond what came in is explained', (t) => {
  const snapshot = { ...EMPTY, samplesInPerSecond: 46.8, samplesStoredPerSecond: 101 };
  t.match(screen(snapshot)[1], 'Samples 46.8/s in, 101/s stored with own');
  t.end();
});

await t.test('what is not known is a dash, and nothing is said to be none', (t) => {
  t.same(screen({ ...EMPTY, services: [service('writer', 'waiting', undefined, 0)] }), [
    'Rollcall                                                                14:03:22',
    'Targets – up, – down   Samples –/s in, –/s stored   Fresh –',
    '',
    'Services ───────────────────────────────────────────────────────────────────────',
    'name    pid  state    restarts  since',
    'writer    –  waiting         0     0s',
    '',
    'Alerts ─────────────────────────────────────────────────────────────────────────',
    'none',
    '',
    'Notifications ──────────────────────────────────────────────────────────────────',
    'none',
  ]);
  t.end();
});

await t.test('a low terminal shows the first lines of what matters and counts the rest', (t) => {
  t.same(screen(SAMPLE, 80, 15), [
    'Rollcall  staging                                                       14:03:22',
    'Targets 49,988 up, 12 down   Samples 2.00M/s in, 1.25M/s stored   Fresh 3.2 s',
    '',
    'Services ─────────────────────────────────────────  Queues ─────────────────────',
    'name          pid  state       restarts    since    name     full       holds',
    'nats-server  4101  ready              0  12m 04s    lane 0   ▏░░░░░  12.0 MiB',
    'clickhouse   4102  ready              0  12m 03s    lane 1   █████▎   900 MiB',
    '… 4 more                                            … 2 more',
    '',
    'Alerts  2 firing, 1 pending ────────────────────────────────────────────────────',
    'firing   HostDown   web-12:9100  3m 07s',
    '… 2 more',
    '',
    'Notifications ──────────────────────────────────────────────────────────────────',
    '… 2 more',
  ]);
  t.end();
});

await t.test('a narrow terminal has the queues below', (t) => {
  const snapshot = { ...SAMPLE, alerts: [], notifications: [], hints: [] };
  t.same(screen(snapshot, 44, 40), [
    'Rollcall  staging                   14:03:22',
    'Targets 49,988 up, 12 down',
    'Samples 2.00M/s in, 1.25M/s stored',
    'Fresh 3.2 s',
    '',
    'Services ───────────────────────────────────',
    'name       pid  state      restarts    since',
    'nats-se…  4101  ready             0  12m 04s',
    'clickho…  4102  ready             0  12m 03s',
    'collect…  4103  ready             0  12m 01s',
    'writer       –  restarti…         3       2s',
    'alerter   4105  ready             0  11m 59s',
    'agent     4106  ready             0  11m 58s',
    '',
    'Alerts ─────────────────────────────────────',
    'none',
    '',
    'Notifications ──────────────────────────────',
    'none',
    '',
    'Queues ─────────────────────────────────────',
    'name     full       holds',
    'lane 0   ▏░░░░░  12.0 MiB',
    'lane 1   █████▎   900 MiB',
    'writer   ░░░░░░         0',
    'alerter  –              –',
  ]);
  t.end();
});

await t.test('no size is exceeded', (t) => {
  const long = 'x'.repeat(300);
  const alerts = Array.from({ length: 200 }, (_, index) => ({
    name: `${long}${index}`,
    instance: '機器'.repeat(40),
    state: 'firing',
    sinceMs: NOW_MS,
  }));
  const crowded: Snapshot = { ...SAMPLE, title: long, alerts, hints: [long, long, long] };
  for (const snapshot of [SAMPLE, EMPTY, crowded]) {
    for (let columns = 1; columns <= 90; columns += 1) {
      for (const rows of [1, 2, 5, 10, 23, 60, 300]) {
        const lines = screen(snapshot, columns, rows);
        const isTooLarge =
          lines.length > rows || lines.some((line) => displayWidth(line) > columns);
        if (isTooLarge) t.fail(`${columns} by ${rows}`, { lines });
      }
    }
  }
  t.equal(screen(crowded).length, 24);
  t.ok(screen(crowded, 80, 300).includes('… 101 more'));
  t.end();
});

await t.test('text from elsewhere cannot touch the terminal', (t) => {
  const names = ['\x1b[2J\x1b]0;owned\x07', 'a\r\nb\tc', '\u202egnp.exe', '\u009b31m', '\ud800'];
  const hostile = '\x1b[1A\nx';
  const snapshot: Snapshot = {
    ...EMPTY,
    title: hostile,
    services: [service(hostile, 'ready', 1, 0)],
    queues: [{ name: hostile, unit: 'count', value: 1, max: 1 }],
    alerts: names.map((name) => ({ name, instance: 'a', state: 'firing', sinceMs: NOW_MS })),
    notifications: [
      { timeMs: 0, receiver: hostile, status: hostile, alert: hostile, outcome: hostile },
    ],
    hints: [hostile],
  };
  const lines = screen(snapshot);
  t.same(
    lines.filter((line) => /[\p{Cc}\p{Cf}\p{Cs}]/u.test(line)),
    [],
  );
  t.same(
    lines.slice(7, 12).map((line) => line.trimEnd()),
    [
      'Alerts  5 firing ───────────────────────────────────────────────────────────────',
      'firing  �[2J�]0;owned�  a  0s',
      'firing  a b c           a  0s',
      'firing  �gnp.exe        a  0s',
      'firing  �31m            a  0s',
    ],
  );
  t.end();
});

await t.test('colour changes nothing but the colour', (t) => {
  const size = { columns: 80, rows: 24 };
  const coloured = renderScreen(SAMPLE, { ...size, colour: true });
  t.ok(coloured[8]!.includes('\x1b[1;31mrestarting\x1b[0m'));
  // oxlint-disable-next-line no-control-regex
  const plain = coloured.map((line) => line.replace(/\x1b\[[\d;]*m/gu, '').trimEnd());
  t.same(plain, screen(SAMPLE));
  t.end();
});
