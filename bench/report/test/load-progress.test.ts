import t from 'tap';
import { LoadProgress, progressHeader, progressRow } from '../load-progress.ts';
import { madeUpReport } from './made-up-report.ts';

const ROWS = madeUpReport().timeline;

class Output {
  columns = 200;
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

await t.test('rows are as wide as their header, which fits into 80 columns', (t) => {
  t.ok(progressHeader().length < 80);
  for (const row of ROWS) t.equal(progressRow(row).length, progressHeader().length);
  t.match(progressRow(ROWS[0]!), /^ +-30 s /);
  t.match(progressRow({ ...ROWS[0]!, freshness_ms: undefined }), ' – ');
  t.end();
});

await t.test('where rows stay, the header comes again after every 20', (t) => {
  const output = new Output();
  const progress = new LoadProgress(output, false);
  for (const row of ROWS.slice(0, 41)) progress.row(row);
  progress.end();
  const lines = output.text.split('\n');
  const headers = lines.flatMap((line, i) => (line === progressHeader() ? [i] : []));
  t.same(headers, [0, 21, 42]);
  t.notOk(output.text.includes('\r') || output.text.includes('\x1b'));
  t.equal(lines.at(-1), '', 'the last line is ended');
  t.end();
});

await t.test('on a terminal one row is written over, and what is said stays', (t) => {
  const output = new Output();
  const progress = new LoadProgress(output, true);
  progress.say('starting');
  progress.row(ROWS[0]!);
  progress.row(ROWS[1]!);
  progress.say('draining');
  progress.row(ROWS[2]!);
  progress.end();
  progress.end();
  const inPlace = (i: number) => `\r${progressRow(ROWS[i]!)}\x1b[K`;
  const header = `${progressHeader()}\n`;
  t.equal(
    output.text,
    `starting\n${header}${inPlace(0)}${inPlace(1)}\ndraining\n${header}${inPlace(2)}\n`,
  );
  t.end();
});

await t.test('on a narrow terminal a row is cut, for what wraps cannot be written over', (t) => {
  const output = new Output();
  output.columns = 40;
  new LoadProgress(output, true).row(ROWS[0]!);
  const [, row] = output.text.split('\r');
  t.equal(row, `${progressRow(ROWS[0]!).slice(0, 39)}\x1b[K`);
  t.end();
});
