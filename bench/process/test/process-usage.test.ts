import { spawn } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { processUsage } from '../process-usage.ts';

/** Says when its thread has worked, and, once it is told to, when that has ended. */
const PROGRAM = `
const { Worker } = require('node:worker_threads');
const work = 'const since = process.cpuUsage().user; while (process.cpuUsage().user < since + 300_000);'
  + 'const { parentPort } = require("node:worker_threads");'
  + 'parentPort.postMessage("worked"); parentPort.once("message", () => process.exit());';
const worker = new Worker(work, { eval: true });
worker.on('message', (text) => process.stdout.write(text));
worker.on('exit', () => process.stdout.write('ended'));
process.stdin.on('data', () => worker.postMessage('end'));`;
/** User and system time are rounded down to ticks of 10 ms. */
const ROUNDED_NS = 20_000_000;

await t.test('what a thread has used counts when it has ended', async (t) => {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  await once(child.stdout, 'data');
  const before = processUsage(child.pid!).cpuNs;
  child.stdin.write('x');
  await once(child.stdout, 'data');
  const after = processUsage(child.pid!).cpuNs;
  t.ok(after >= before - ROUNDED_NS, `${before} ns before, ${after} ns after`);
});

await t.test('a process that has ended has used nothing', async (t) => {
  const child = spawn(process.execPath, ['-e', '']);
  const { pid } = child;
  await once(child, 'exit');
  t.same(processUsage(pid!), { cpuNs: 0, rssBytes: 0, anonBytes: 0 });
});
