import fc from 'fast-check';
import t from 'tap';
import { ByteScanner } from '../byte-scanner.ts';

function scannerOf(contents: string | Uint8Array): ByteScanner {
  const bytes = Buffer.from(contents);
  const scan = new ByteScanner(bytes.length + 8);
  // What earlier, longer files left behind must never be read.
  scan.bytes.fill('9');
  bytes.copy(scan.bytes);
  scan.end = bytes.length;
  return scan;
}

await t.test('numbers are those that JavaScript reads from the same text', (t) => {
  const texts = ['0', '7', '-3', '+4', '0.25', '0.1', '123456.789', '9007199254740991'];
  texts.push('9007199254740993', '18446744073709551615', '4503599627370497.5', '.5', '5.');
  texts.push('0.000000000000000000000000001', '123456789012345678901234567890.125');
  for (const text of texts) t.equal(scannerOf(` ${text}\n`).number(), Number(text), text);
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }), (value) => {
      return scannerOf(String(value)).number() === Number(String(value));
    }),
  );
  fc.assert(
    fc.property(fc.nat(), fc.stringMatching(/^[0-9]{1,25}$/), (whole, fraction) => {
      return scannerOf(`${whole}.${fraction}`).number() === Number(`${whole}.${fraction}`);
    }),
  );
  t.end();
});

await t.test('what is not a number is NaN and leaves the cursor before it', (t) => {
  for (const text of ['', 'x', '-', '+', '.', '1x', '1.2.3', '0x10', '1e3', '1\u0000', '1:2']) {
    const scan = scannerOf(` ${text}`);
    t.ok(Number.isNaN(scan.number()), JSON.stringify(text));
    t.equal(scan.pos, 1);
  }
  t.ok(Number.isNaN(scannerOf('9'.repeat(399)).number()), 'infinite');
  t.ok(Number.isNaN(scannerOf('1'.repeat(100_000)).number()), 'endless');
  t.end();
});

await t.test('hexadecimal numbers may have any follower', (t) => {
  const scan = scannerOf('0000Beef:1f ffffffff 00000000000000000 zz');
  t.equal(scan.hex(), 0xbeef);
  t.ok(scan.skipByte(0x3a));
  t.equal(scan.hex(), 0x1f);
  t.equal(scan.hex(), 0xffffffff);
  t.ok(Number.isNaN(scan.hex()), 'more digits than 64 bits have');
  t.equal(scannerOf('1 2g').hexNumbers(new Float64Array(2)), -1);
  t.end();
});

await t.test('numbers of a line never come from the next line', (t) => {
  const into = new Float64Array(4);
  const scan = scannerOf('1 2\t3 \n4 5');
  t.equal(scan.numbers(into), 3);
  t.same([...into], [1, 2, 3, 0]);
  scan.nextLine();
  t.equal(scan.numbers(into, 1), 1);
  t.equal(into[0], 4);
  t.equal(scan.numbers(into), 1);
  t.ok(scan.atEnd);
  t.equal(scannerOf('1 two 3').numbers(into), -1);
  t.end();
});

await t.test('lines of any length, with or without a newline, are found', (t) => {
  const long = 'x'.repeat(500);
  const scan = scannerOf(`\n${long}\nshort word\nlast`);
  const lines: string[] = [];
  for (; !scan.atEnd; scan.nextLine()) lines.push(scan.lineAsWord() ? scan.wordText() : '');
  t.same(lines, ['', long, 'short word', 'last']);
  t.end();
});

await t.test('words end at blanks or at the byte that was asked for', (t) => {
  const scan = scannerOf('  eth0: 12 total=5\nnext');
  t.ok(scan.wordUntil(0x3a));
  t.equal(scan.wordText(), 'eth0');
  t.ok(scan.wordIs(Buffer.from('eth0')));
  t.notOk(scan.wordIs(Buffer.from('eth1')));
  t.ok(scan.seekInLine(Buffer.from('total=')));
  t.equal(scan.number(), 5);
  t.equal(scan.lineExcerpt(), '  eth0: 12 total=5');
  t.notOk(scan.word());
  t.notOk(scan.seekInLine(Buffer.from('next')), 'the next line is out of reach');
  t.end();
});
