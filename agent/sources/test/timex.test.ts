import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { adjtimexPrograms } from '../adjtimex-program.ts';
import {
  ANSWER_MS_MAX,
  HelperProcess,
  PAUSE_MS_MIN,
  type HelperChild,
  type HelperProgram,
} from '../helper-process.ts';
import { ASK_EVERY_MS, timexSource, timexSourceOf } from '../timex.ts';
import { RecordingSink } from './recording-sink.ts';

/** A program that the test plays. */
class PlayedChild extends EventEmitter implements HelperChild {
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly signals: string[] = [];

  kill(signal: NodeJS.Signals): boolean {
    this.signals.push(signal);
    return true;
  }

  /** What it was asked since the last time. */
  asked(): string {
    return String(this.stdin.read() ?? '');
  }

  say(text: string): void {
    this.stdout.write(text);
  }
}

/** A helper of played programs, and a clock. */
class Play {
  nowMs = 1000;
  readonly started: string[] = [];
  readonly children: PlayedChild[] = [];
  refuses = false;
  readonly helper: HelperProcess;

  constructor(...files: string[]) {
    this.helper = new HelperProcess(
      files.map((file) => ({ file, args: [] })),
      { start: (program) => this.#start(program), nowMs: () => this.nowMs },
    );
  }

  get child(): PlayedChild {
    return this.children.at(-1)!;
  }

  /** Asks, and lets everything happen that follows. */
  async ask(question: string): Promise<void> {
    this.helper.ask(question);
    await happened();
  }

  async say(text: string): Promise<string | undefined> {
    this.child.say(text);
    await happened();
    return this.helper.takeAnswer();
  }

  #start({ file }: HelperProgram): HelperChild {
    if (this.refuses) throw new Error('no more processes');
    this.started.push(file);
    this.children.push(new PlayedChild());
    return this.child;
  }
}

async function happened(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}

await t.test('a helper answers a line with a line', async (t) => {
  const play = new Play('one', 'two');
  play.helper.ask('first');
  t.same(play.started, [], 'nothing is started within the call');
  await happened();
  t.equal(play.child.asked(), 'first\n');
  await play.ask('too early');
  t.equal(play.child.asked(), '');
  t.equal(await play.say('an '), undefined);
  t.equal(await play.say('answer\n'), 'an answer');
  t.equal(play.helper.takeAnswer(), undefined, 'it is given once');
  await play.ask('second');
  t.equal(play.child.asked(), 'second\n');
  play.nowMs += ANSWER_MS_MAX;
  t.equal(await play.say('\n'), '');
  t.same(play.started, ['one'], 'it stays');
  play.helper.close();
  t.same(play.child.signals, ['SIGKILL']);
  await play.ask('third');
  t.same(play.started, ['one']);
});

await t.test('a helper that ends is started again after ever longer pauses', async (t) => {
  const play = new Play('one');
  await play.ask('a');
  t.equal(await play.say('b\n'), 'b');
  for (let pauseMs = PAUSE_MS_MIN; pauseMs <= 8 * PAUSE_MS_MIN; pauseMs *= 2) {
    const before = play.children.length;
    play.child.emit('exit');
    play.nowMs += pauseMs - 1;
    await play.ask('c');
    t.equal(play.children.length, before);
    play.nowMs += 1;
    await play.ask('c');
    t.equal(play.children.length, before + 1);
  }
  t.equal(await play.say('d\n'), 'd');
  play.child.emit('exit');
  play.nowMs += PAUSE_MS_MIN;
  await play.ask('e');
  t.equal(play.child.asked(), 'e\n', 'an answer makes the next pause short again');
  play.helper.close();
});

await t.test('a helper that is late, talks too much or breaks off is ended', async (t) => {
  const ways: ((play: Play) => void)[] = [
    (play) => (play.nowMs += ANSWER_MS_MAX + 1),
    (play) => play.child.say('two\nlines\n'),
    (play) => play.child.say('x'.repeat(5000)),
    (play) => play.child.stdin.emit('error', new Error('EPIPE')),
    (play) => play.child.stdout.emit('error', new Error('EIO')),
    (play) => play.child.emit('error', new Error('ENOENT')),
  ];
  for (const fail of ways) {
    const play = new Play('one');
    await play.ask('a');
    fail(play);
    await happened();
    t.equal(play.helper.takeAnswer(), undefined);
    t.same(play.child.signals, ['SIGKILL']);
    t.ok(play.child.stdout.destroyed);
    // What the dead still say or do is nobody's business.
    play.child.emit('exit');
    play.nowMs += PAUSE_MS_MIN;
    await play.ask('b');
    t.equal(play.child.asked(), 'b\n');
    t.equal(await play.say('c\n'), 'c');
    play.child.say('unasked\n');
    await happened();
    t.same(play.child.signals, ['SIGKILL']);
  }
});

await t.test('the first of several programs that answers is used', async (t) => {
  const play = new Play('absent', 'broken', 'works');
  await play.ask('a');
  play.child.emit('error', new Error('ENOENT'));
  await happened();
  play.child.say('x\ny\n');
  await happened();
  t.same(play.started, ['absent', 'broken', 'works']);
  t.equal(play.child.asked(), 'a\n');
  t.equal(await play.say('b\n'), 'b');
  play.child.emit('exit');
  play.nowMs += PAUSE_MS_MIN;
  await play.ask('c');
  t.equal(play.started.at(-1), 'works');
  play.refuses = true;
  play.child.emit('exit');
  play.nowMs += 2 * PAUSE_MS_MIN;
  await play.ask('d');
  play.refuses = false;
  play.nowMs += 4 * PAUSE_MS_MIN;
  await play.ask('e');
  t.equal(play.started.at(-1), 'absent', 'after the last one they are tried from the first');
  play.helper.close();
  const none = new HelperProcess([]);
  none.ask('a');
  t.equal(none.takeAnswer(), undefined);
});

/** What a helper says of a clock in nanoseconds, or, without the bit, in microseconds. */
function adjtimexAnswer(returned: number, status: number): string {
  const clock = '7 1 32768000 1795386656 5 10001 98765 4321 4 777 5 66 777 8888 37';
  return `${returned} 0 -123456789 -1234567 234567 890 ${status} ${clock}\n`;
}

await t.test('timex shows the clock in base units', async (t) => {
  const play = new Play('adjtimex');
  const sink = new RecordingSink();
  const source = timexSourceOf(play.helper, () => play.nowMs);
  const tick = async (answer?: string): Promise<Record<string, number>> => {
    await happened();
    if (answer !== undefined) play.child.say(answer);
    await happened();
    return sink.tick(source);
  };
  t.same(await tick(), {});
  const inNanoseconds = {
    node_timex_offset_seconds: -0.123456789,
    node_timex_frequency_adjustment_ratio: 0.9999811620025635,
    node_timex_maxerror_seconds: 0.234567,
    node_timex_estimated_error_seconds: 0.00089,
    node_timex_status: 8195,
    node_timex_loop_time_constant: 7,
    node_timex_tick_seconds: 0.010001,
    node_timex_pps_frequency_hertz: 1.5070343017578126e-6,
    node_timex_pps_jitter_seconds: 4.321e-6,
    node_timex_pps_shift_seconds: 4,
    node_timex_pps_stability_hertz: 1.18560791015625e-8,
    node_timex_pps_jitter_total: 5,
    node_timex_pps_calibration_total: 66,
    node_timex_pps_error_total: 777,
    node_timex_pps_stability_exceeded_total: 8888,
    node_timex_tai_offset_seconds: 37,
    node_timex_sync_status: 1,
  };
  t.same(await tick(adjtimexAnswer(0, 8195)), inNanoseconds);
  t.equal(play.child.asked(), '\n');
  play.nowMs += ASK_EVERY_MS - 1;
  t.same(await tick(), inNanoseconds);
  t.equal(play.child.asked(), '', 'it is asked seldom');
  play.nowMs += 1;
  await tick();
  t.same(await tick(adjtimexAnswer(5, 1)), {
    ...inNanoseconds,
    node_timex_status: 1,
    node_timex_sync_status: 0,
    node_timex_offset_seconds: -123.456789,
    node_timex_pps_jitter_seconds: 0.004321,
  });
  t.same(
    sink.kinds().filter((kind) => !kind.includes(' gauge ')),
    [
      'node_timex_pps_jitter_total counter ',
      'node_timex_pps_calibration_total counter ',
      'node_timex_pps_error_total counter ',
      'node_timex_pps_stability_exceeded_total counter ',
    ],
  );
  t.same(sink.malformations, []);
  source.close();
});

await t.test('timex without an answer, or with a strange one', async (t) => {
  let answer: string | undefined;
  let nowMs = 0;
  const helper = { ask: () => {}, takeAnswer: () => answer, close: () => {} };
  const sink = new RecordingSink();
  const source = timexSourceOf(helper, () => nowMs);
  const tick = (said: string | undefined): number => {
    answer = said?.trimEnd();
    nowMs += ASK_EVERY_MS;
    return Object.keys(sink.tick(source)).length;
  };
  t.equal(tick(adjtimexAnswer(0, 0)), 17);
  t.same(
    [tick(undefined), tick(undefined), tick(undefined)],
    [17, 17, 0],
    'an old one is forgotten',
  );
  t.equal(tick(adjtimexAnswer(0, 0)), 17);
  t.equal(tick(`-1${' 0'.repeat(21)}`), 0, 'not allowed');
  t.same(sink.malformations, []);
  t.equal(tick('perl: no such thing'), 0);
  t.equal(tick(`0${' 1'.repeat(20)} x`), 0);
  t.equal(tick(''), 0);
  t.equal(sink.malformations.length, 3);
  source.close();
  t.end();
});

await t.test('timex asks the real clock', async (t) => {
  t.same(adjtimexPrograms('pdp11'), [], 'of an architecture that is not known nothing is asked');
  const sink = new RecordingSink();
  const source = timexSource({ procfs: '/proc', sysfs: '/sys', rootfs: '/' });
  let values: Record<string, number> = {};
  while (Object.keys(values).length === 0) {
    values = sink.tick(source);
    await setImmediate();
  }
  source.close();
  t.equal(Object.keys(values).length, 17);
  const { node_timex_tick_seconds: tick, node_timex_sync_status: synchronized } = values;
  t.ok(tick! >= 0.009 && tick! <= 0.011, `a tick of ${tick} s`);
  t.ok(synchronized === 0 || synchronized === 1);
  t.same(sink.malformations, []);
});

await t.test('the program that asks the clock ends with its standard input', async (t) => {
  const [{ file, args }] = adjtimexPrograms(process.arch) as [HelperProgram];
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.write('\n');
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  t.match(String(text), /^-?\d+( -?\d+){21}\n$/);
  child.stdin.end();
  t.same(await once(child, 'exit'), [0, null]);
});
