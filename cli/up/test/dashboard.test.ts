import { spawnSync } from 'node:child_process';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { canDraw, Dashboard, wantsColour } from '../dashboard.ts';
import { renderScreen } from '../screen.ts';
import { SAMPLE } from './sample-snapshot.ts';

const RESTORED = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const ONCE_IN_A_WHILE = { intervalMs: 600_000, colour: false };

class FakeTerminal extends Writable {
  readonly isTTY = true;
  columns = 80;
  rows = 24;
  #text = '';

  /** What was written since the last call. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.#text += chunk.toString();
    done();
  }
}

function noSnapshot(): never {
  throw new Error('no\nfigures');
}

await t.test('a picture is drawn in place and the terminal is given back', (t) => {
  const terminal = new FakeTerminal();
  const dashboard = new Dashboard(terminal, () => SAMPLE, ONCE_IN_A_WHILE);
  dashboard.open();
  const lines = renderScreen(SAMPLE, { columns: 80, rows: 24, colour: false });
  const last = lines.pop()!;
  const above = lines.map((line) => `\x1b[K${line}\r\n`).join('');
  const picture = `\x1b[?2026h\x1b[H${above}\x1b[J${last}\x1b[?2026l`;
  t.equal(terminal.take(), `\x1b[?1049h\x1b[?25l\x1b[?7l${picture}`);
  dashboard.draw();
  t.equal(terminal.take(), picture);
  dashboard.close();
  t.equal(terminal.take(), RESTORED);
  dashboard.close();
  dashboard.draw();
  t.equal(terminal.take(), '');
  t.equal(terminal.listenerCount('resize'), 0);
  t.end();
});

await t.test('a resized terminal is drawn anew, one without a size as 80 by 24', (t) => {
  const terminal = new FakeTerminal();
  const dashboard = new Dashboard(terminal, () => SAMPLE, ONCE_IN_A_WHILE);
  t.teardown(dashboard.close);
  dashboard.open();
  const full = terminal.take();
  terminal.rows = 3;
  terminal.emit('resize');
  t.equal(terminal.take().split('\r\n').length, 2);
  Object.assign(terminal, { columns: 0, rows: 0 });
  terminal.emit('resize');
  t.ok(full.endsWith(terminal.take()));
  t.end();
});

await t.test('a terminal that goes away, or a snapshot that fails, harms nobody', (t) => {
  const terminal = new FakeTerminal();
  new Dashboard(terminal, noSnapshot, ONCE_IN_A_WHILE).open();
  t.match(terminal.take(), '\x1b[H\x1b[JThe screen cannot be drawn: no figures');
  terminal.emit('error', new Error('EIO'));
  terminal.emit('resize');
  t.equal(terminal.take(), '');
  t.end();
});

await t.test('the terminal is restored by an exit, and by a crash before its message', (t) => {
  const path = fileURLToPath(new URL('dashboard-host.ts', import.meta.url));
  for (const how of ['exit', 'crash']) {
    const { stdout, stderr } = spawnSync(process.execPath, [path, how], { encoding: 'utf8' });
    t.ok(stdout.startsWith('\x1b[?1049h'), how);
    t.ok(stdout.endsWith(RESTORED), how);
    t.equal(stderr.includes('something else went wrong'), how === 'crash');
  }
  t.end();
});

await t.test('there are pictures and colours only where they can be seen and are wanted', (t) => {
  const terminal = new FakeTerminal();
  t.equal(canDraw(terminal, { TERM: 'xterm' }), true);
  t.equal(canDraw(terminal, { TERM: 'dumb' }), false);
  t.equal(canDraw(new Writable(), { TERM: 'xterm' }), false);
  t.equal(wantsColour(terminal, {}), true);
  t.equal(wantsColour(terminal, { NO_COLOR: '' }), true);
  t.equal(wantsColour(terminal, { NO_COLOR: '1' }), false);
  t.equal(wantsColour(new Writable(), {}), false);
  t.end();
});
