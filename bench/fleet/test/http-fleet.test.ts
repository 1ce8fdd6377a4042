import { connect } from 'node:net';
import t from 'tap';
import { freePort } from '../../../pipeline/embedded/free-port.ts';
import { until } from '../../../pipeline/embedded/test/until.ts';
import { seriesKey } from '../../../pipeline/wire/catalogue.ts';
import { readExposition } from '../../agent/exposition-reader.ts';
import { RecordedSource } from '../../recording/recorded-source.ts';
import type { Recording } from '../../recording/recording.ts';
import { Replay } from '../../recording/replay.ts';
import { standardRecording } from '../../recording/standard-recording.ts';
import { hostsOf } from '../fleet.ts';
import { hostSeed } from '../host-seed.ts';
import { advance, Exposition, seriesOf, valueText } from '../http-exposition.ts';
import { HttpFleet } from '../http-fleet.ts';

const SERIES = 200;
const SEED = 7;

/** Of every series the value, by its key in the text. */
function valuesIn(text: string): Map<string, number> {
  return new Map([...readExposition(text)].map(([key, { value }]) => [key, value]));
}

function valuesOf(replay: Replay, source: RecordedSource): Map<string, number> {
  return new Map(
    seriesOf(replay).map(({ name, labels }, i) => [seriesKey(name, labels), source.values[i]!]),
  );
}

await t.test('the text read back is what the host said, tick by tick', (t) => {
  const replay = new Replay(standardRecording(), SERIES);
  const exposition = new Exposition(replay);
  const source = new RecordedSource(replay, hostSeed(SEED, 3));
  for (let tick = 0; tick < 3; tick += 1) {
    advance(source);
    const values = valuesIn(exposition.text(source));
    t.equal(values.size, SERIES);
    t.strictSame(values, valuesOf(replay, source));
  }
  t.end();
});

await t.test('series of one name stand together, below one line of each kind', (t) => {
  // More than were recorded: copies of a name come later in the order of values.
  const replay = new Replay(standardRecording(), 500);
  const source = new RecordedSource(replay, 1);
  advance(source);
  const lines = new Exposition(replay).text(source).split('\n');
  const typed = lines.filter((line) => line.startsWith('# TYPE'));
  t.equal(new Set(typed).size, typed.length);
  const names = lines.filter((line) => !line.startsWith('#')).map((line) => /^\w*/.exec(line)![0]);
  const runs = names.filter((name, i) => name !== names[i - 1]);
  t.equal(new Set(runs).size, runs.length);
  t.equal(lines.at(-1), '', 'the last line has an end');
  t.end();
});

await t.test('labels and values of every kind can be read back', (t) => {
  const odd = String.raw`a "b" \ c` + '\nd';
  const recording: Recording = {
    intervalMs: 1000,
    ticks: 2,
    series: [
      {
        name: 'odd',
        labels: [['label', odd]],
        kind: 'gauge',
        unit: '',
        help: 'Two\nlines.',
        values: Float64Array.of(1.5, 1e300),
        present: Uint8Array.of(1, 1),
      },
    ],
  };
  const replay = new Replay(recording, 5);
  const source = new RecordedSource(replay, 0);
  advance(source);
  const text = new Exposition(replay).text(source);
  t.match(text, String.raw`odd{label="a \"b\" \\ c\nd"} `);
  t.match(text, String.raw`# HELP odd Two\nlines.`);
  t.strictSame([NaN, Infinity, -Infinity, -0.1, 1e21, 5e-324].map(valueText), [
    'NaN',
    '+Inf',
    '-Inf',
    '-0.1',
    '1e+21',
    '5e-324',
  ]);
  t.end();
});

await t.test('every host answers at an address of its own, with the next tick', async (t) => {
  const options = { agents: 3, series: SERIES, seed: SEED, port: await freePort() };
  const fleet = await HttpFleet.start(options);
  t.teardown(() => fleet.stop());
  const replay = new Replay(standardRecording(), SERIES);
  for (const { index, listen } of hostsOf(options)) {
    const source = new RecordedSource(replay, hostSeed(SEED, index));
    for (let tick = 0; tick < 2; tick += 1) {
      advance(source);
      const response = await fetch(`http://${listen.host}:${listen.port}/metrics`);
      t.match(response.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
      t.strictSame(valuesIn(await response.text()), valuesOf(replay, source));
    }
  }
  const { reached, scrapes } = await fleet.status();
  t.strictSame({ reached, scrapes }, { reached: 3, scrapes: 6 });
});

await t.test('requests may come in pieces, and several at once', async (t) => {
  const options = { agents: 1, series: SERIES, seed: SEED, port: await freePort() };
  const fleet = await HttpFleet.start(options);
  t.teardown(() => fleet.stop());
  const [{ listen }] = hostsOf(options) as [ReturnType<typeof hostsOf>[number]];
  const socket = connect(listen.port, listen.host);
  t.teardown(() => socket.destroy());
  let text = '';
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  const request = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';
  socket.write(request.slice(0, 9));
  socket.write(`${request.slice(9)}${request}${request.slice(0, -2)}`);
  await until('two are answered', () => text.split('HTTP/1.1 200 OK').length === 3);
  socket.write('\r\n');
  await until('the third too', () => text.split('HTTP/1.1 200 OK').length === 4);
  t.equal((await fleet.status()).scrapes, 3);
});
