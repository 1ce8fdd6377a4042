import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { until } from '../../embedded/test/until.ts';
import { parseFailPoints } from '../fail-point.ts';

const MODULE = fileURLToPath(new URL('../fail-point.ts', import.meta.url));
const PROGRAM = `
  import { failPoint } from ${JSON.stringify(MODULE)};
  for (let pass = 1; pass <= 4; pass += 1) {
    try {
      failPoint('delivery.sent');
      failPoint('delivery.recorded');
      console.log('passed', pass);
    } catch (error) {
      console.log(error.code, error.retryable, pass);
    }
  }
`;

async function run(failPoints: string | undefined, isDone?: (output: string) => boolean) {
  const { ROLLCALL_FAIL_POINTS: _, ...env } = process.env;
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    env: failPoints === undefined ? env : { ...env, ROLLCALL_FAIL_POINTS: failPoints },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  }
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  if (isDone !== undefined) {
    await until('it has got there', () => isDone(output));
    child.kill('SIGKILL');
  }
  const [code, signal] = await closed;
  return { output, code, signal };
}

await t.test('without the variable nothing happens', async (t) => {
  for (const nothing of [undefined, '']) {
    const { output, code } = await run(nothing);
    t.equal(code, 0);
    t.match(output, /passed 4/);
  }
});

await t.test('kill ends the process at its pass, by SIGKILL', async (t) => {
  const { output, signal } = await run('delivery.sent=kill@3');
  t.equal(signal, 'SIGKILL');
  t.match(output, /passed 2/);
  t.notMatch(output, /passed 3/);
});

await t.test('error throws once, as something to try again', async (t) => {
  const { output } = await run('delivery.sent=error@2');
  t.equal(output, 'passed 1\nfail_point true 2\npassed 3\npassed 4\n');
});

await t.test('hang blocks for ever', async (t) => {
  const { output, signal } = await run('delivery.recorded=hang@2', (text) => text !== '');
  t.equal(signal, 'SIGKILL', 'the one of this test');
  t.equal(output, 'passed 1\n');
});

await t.test('a variable that cannot be understood ends the process', async (t) => {
  const { output, code } = await run('delivery.sent=explode');
  t.equal(code, 1);
  t.match(output, /ROLLCALL_FAIL_POINTS: 'delivery\.sent=explode' is not/);
});

await t.test('several points, each with its pass', (t) => {
  t.same(
    [...parseFailPoints('writer.run_begun=kill@12, delivery.sent=hang')],
    [
      ['writer.run_begun', { action: 'kill', pass: 12 }],
      ['delivery.sent', { action: 'hang', pass: 1 }],
    ],
  );
  for (const wrong of ['', 'x', 'delivery.sent=kill@0', 'no.such=kill', 'toString=kill']) {
    t.throws(() => parseFailPoints(wrong), { code: 'fail_points_invalid' }, wrong);
  }
  const twice = 'delivery.sent=kill,delivery.sent=hang';
  t.throws(() => parseFailPoints(twice), { message: /twice/ });
  t.end();
});
