import { readFileSync } from 'node:fs';
import t from 'tap';
import type { Test } from 'tap';
import type { RollcallError } from '../../../pipeline/error.ts';
import { isAlive } from '../process-identity.ts';
import type { ServiceEvent } from '../service.ts';
import { Supervisor } from '../supervisor.ts';
import type { SupervisorOptions } from '../supervisor.ts';
import { childService, READY, UNTIL_STDIN_CLOSES, until } from './child-service.ts';
import type { ChildService } from './child-service.ts';

const QUICK = { pauseMsMin: 8, pauseMsMax: 32, resetAfterMs: 30_000 };
const READY_IN_VAIN_MS = 600_000;

function supervise(t: Test, services: ChildService[], options: SupervisorOptions = {}) {
  const events: ServiceEvent[] = [];
  const onEvent = (event: ServiceEvent) => {
    events.push(event);
    for (const service of services) service.see(event);
  };
  const supervisor = new Supervisor(services, { restart: QUICK, ...options, onEvent });
  t.teardown(() => supervisor.stop());
  const of = (kind: ServiceEvent['kind']) => events.filter((event) => event.kind === kind);
  const story = () => events.map(({ service, kind }) => `${service} ${kind}`);
  const pidOf = (name: string) => supervisor.services().find((row) => row.name === name)!.pid!;
  const isReady = (name: string) =>
    supervisor.services().find((row) => row.name === name)!.state === 'ready';
  return { supervisor, events, of, story, pidOf, isReady };
}

function isRunning(pid: number): boolean {
  return isAlive({ pid, startTime: '' });
}

await t.test('services start one after the other and stop in reverse', async (t) => {
  const services = ['a', 'b', 'c'].map((name) => childService(name, READY));
  const { supervisor, story, of } = supervise(t, services);
  t.same(
    supervisor.services().map(({ state, pid }) => [state, pid]),
    services.map(() => ['waiting', undefined]),
  );
  await supervisor.start();
  t.same(story(), ['a started', 'a ready', 'b started', 'b ready', 'c started', 'c ready']);
  t.match(supervisor.services(), [
    { name: 'a', pid: Number, state: 'ready', restarts: 0, sinceMs: Number },
    { name: 'b' },
    { name: 'c' },
  ]);
  await supervisor.stop();
  t.same(story().slice(6), ['c stopped', 'b stopped', 'a stopped']);
  t.same(
    of('stopped').map(({ detail }) => detail),
    ['', '', ''],
  );
  t.notOk(of('stopped').some(({ pid }) => isRunning(pid!)));
  t.same(
    supervisor.services().map(({ state, pid }) => [state, pid]),
    services.map(() => ['stopped', undefined]),
  );
});

await t.test('what a service needs is prepared when those before it are ready', async (t) => {
  const first = childService('first', READY);
  const order: string[] = [];
  const second = childService('second', READY, {
    prepare: async () => {
      order.push(...first.lines, 'prepared');
    },
  });
  const { supervisor } = supervise(t, [first, second]);
  await supervisor.start();
  t.same(order, ['ready', 'prepared']);
});

await t.test('what could not be prepared was not started, and did not die', async (t) => {
  const second = childService('second', READY, {
    prepare: () => Promise.reject(new Error('no tables')),
  });
  const { supervisor, story } = supervise(t, [childService('first', READY), second]);
  await t.rejects(supervisor.start(), { message: 'no tables' });
  t.same(story(), ['first started', 'first ready', 'first stopped']);
});

await t.test('a service that dies is restarted, and the others never notice', async (t) => {
  const services = ['a', 'b'].map((name) => childService(name, READY));
  const { supervisor, events, pidOf, isReady } = supervise(t, services);
  await supervisor.start();
  const [pidA, pidB] = [pidOf('a'), pidOf('b')];
  events.length = 0;
  process.kill(pidB, 'SIGKILL');
  await until(() => isReady('b') && pidOf('b') !== pidB);
  t.match(events, [
    { service: 'b', kind: 'died', pid: pidB, detail: 'SIGKILL' },
    { service: 'b', kind: 'restarting', pid: undefined, detail: /^in \d+ ms$/u },
    { service: 'b', kind: 'started', pid: pidOf('b') },
    { service: 'b', kind: 'ready', pid: pidOf('b') },
  ]);
  t.equal(pidOf('a'), pidA);
  t.same(
    supervisor.services().map(({ restarts }) => restarts),
    [0, 1],
  );
});

await t.test('a restarted service that is not ready holds up nobody', async (t) => {
  const marker = `${t.testdir({})}/was-here`;
  // Ready in its first run only.
  const slow = childService(
    'slow',
    `const fs = require("node:fs"), path = ${JSON.stringify(marker)};
     if (!fs.existsSync(path)) { fs.writeFileSync(path, ""); console.log("ready"); }
     ${UNTIL_STDIN_CLOSES}`,
    { readyTimeoutMs: READY_IN_VAIN_MS },
  );
  const other = childService('other', READY);
  const { supervisor, pidOf, isReady, of } = supervise(t, [slow, other]);
  await supervisor.start();
  const pids = [pidOf('slow'), pidOf('other')];
  process.kill(pids[0]!, 'SIGKILL');
  await until(() => of('started').filter(({ service }) => service === 'slow').length === 2);
  process.kill(pids[1]!, 'SIGKILL');
  await until(() => isReady('other') && pidOf('other') !== pids[1]);
  t.match(supervisor.services(), [{ state: 'starting' }, { state: 'ready' }]);
});

await t.test('a restarted service that does not get ready in time is started again', async (t) => {
  const marker = `${t.testdir({})}/runs`;
  // Silent in its second run.
  const service = childService(
    'fickle',
    `const fs = require("node:fs"), path = ${JSON.stringify(marker)};
     fs.appendFileSync(path, "+");
     if (fs.readFileSync(path, "utf8") !== "++") console.log("ready");
     ${UNTIL_STDIN_CLOSES}`,
  );
  const { supervisor, pidOf, isReady, of } = supervise(t, [service]);
  await supervisor.start();
  Object.assign(service, { readyTimeoutMs: 1000 });
  process.kill(pidOf('fickle'), 'SIGKILL');
  await until(() => of('started').length >= 3 && isReady('fickle'));
  t.equal(of('died')[1]?.detail.startsWith('fickle did not answer within 1 s'), true);
});

await t.test('pauses double up to the longest and begin anew after a long life', async (t) => {
  const state = { nowMs: 0 };
  const clock = { wallMs: () => state.nowMs, monotonicMs: () => state.nowMs };
  const { supervisor, pidOf, isReady, of } = supervise(t, [childService('a', READY)], { clock });
  await supervisor.start();
  const killAfter = async (lifeMs: number) => {
    const pid = pidOf('a');
    state.nowMs += lifeMs;
    process.kill(pid, 'SIGKILL');
    await until(() => isReady('a') && pidOf('a') !== pid);
  };
  for (const lifeMs of [0, 29_999, 0, 0, 30_000]) await killAfter(lifeMs);
  const pauses = of('restarting').map(({ detail }) => Number(/\d+/u.exec(detail)?.[0]));
  for (const [index, longest] of [8, 16, 32, 32, 8].entries()) {
    const pause = pauses[index]!;
    t.ok(pause >= longest / 2 && pause <= longest, `${pause} of at most ${longest}`);
  }
});

await t.test('a service that fails to start is reported with its output', async (t) => {
  const bad = childService('bad', 'console.error("no such setting: speed"); process.exit(3)');
  const { supervisor, of } = supervise(t, [
    childService('a', READY),
    bad,
    childService('c', READY),
  ]);
  const error = await supervisor.start().catch((error: RollcallError) => error);
  t.match(error, { code: 'server_failed' });
  t.equal(
    error!.message,
    'bad ended while starting (exit code 3); the end of its output:\nno such setting: speed',
  );
  t.same(
    of('stopped').map(({ service }) => service),
    ['a'],
  );
  t.same(
    supervisor.services().map(({ state }) => state),
    ['stopped', 'failed', 'stopped'],
  );
});

await t.test('a service that does not answer, or is no program, fails too', async (t) => {
  const mute = childService('mute', UNTIL_STDIN_CLOSES, { readyTimeoutMs: 100 });
  const { supervisor, of } = supervise(t, [mute]);
  const expected = { message: 'mute did not answer within 0.1 s, and printed nothing' };
  await t.rejects(supervisor.start(), expected);
  t.notOk(isRunning(of('started')[0]!.pid!));
  const missing = childService('missing', '');
  const spec = { ...missing.spec, command: '/nowhere/rollcall-test' };
  await t.rejects(supervise(t, [{ ...missing, spec }]).supervisor.start(), {
    code: 'server_failed',
    message: /missing ended while starting[^]*\/nowhere\/rollcall-test/u,
  });
});

const STUBBORN = `process.on("SIGTERM", () => {}); setInterval(() => {}, 1000); console.log("ready")`;

await t.test('what ignores SIGTERM is killed, what comes after it ends in order', async (t) => {
  const stubborn = childService('stubborn', STUBBORN, { stopTimeoutMs: 100 });
  const { supervisor, of } = supervise(t, [childService('a', READY), stubborn]);
  await supervisor.start();
  await supervisor.stop();
  t.match(of('stopped'), [
    { service: 'stubborn', detail: 'by force' },
    { service: 'a', detail: '' },
  ]);
  t.notOk(of('stopped').some(({ pid }) => isRunning(pid!)));
});

await t.test('the time for stopping is for all services together', async (t) => {
  // Each of them would take ten minutes.
  const services = ['a', 'b', 'c'].map((name) => childService(name, STUBBORN));
  const { supervisor, of } = supervise(t, services, { stopWithinMs: 1000 });
  await supervisor.start();
  await supervisor.stop();
  t.same(
    of('stopped').map(({ service }) => service),
    ['c', 'b', 'a'],
  );
  await until(() => !of('stopped').some(({ pid }) => isRunning(pid!)));
});

await t.test('stopping ends a pause before a restart', async (t) => {
  const restart = { pauseMsMin: 600_000, pauseMsMax: 600_000, resetAfterMs: 30_000 };
  const { supervisor, of, pidOf } = supervise(t, [childService('a', READY)], { restart });
  await supervisor.start();
  process.kill(pidOf('a'), 'SIGKILL');
  await until(() => of('restarting').length === 1);
  t.match(supervisor.services(), [{ state: 'restarting', pid: undefined }]);
  await supervisor.stop();
  t.match(supervisor.services(), [{ state: 'stopped' }]);
  t.equal(of('started').length, 1);
});

await t.test('stopping ends a start', async (t) => {
  const mute = childService('mute', UNTIL_STDIN_CLOSES, { readyTimeoutMs: READY_IN_VAIN_MS });
  const { supervisor, of } = supervise(t, [mute, childService('b', READY)]);
  const started = supervisor.start().catch((error: RollcallError) => error);
  await until(() => of('started').length === 1);
  await supervisor.stop();
  t.match(await started, { code: 'start_cancelled' });
  t.same(
    supervisor.services().map(({ state }) => state),
    ['stopped', 'stopped'],
  );
  t.equal(of('died').length, 0);
});

await t.test('kill ends everything without waiting', async (t) => {
  const services = ['a', 'b'].map((name) => childService(name, READY));
  const { supervisor, pidOf, of } = supervise(t, services);
  await supervisor.start();
  const pids = [pidOf('a'), pidOf('b')];
  supervisor.kill();
  await until(() => !pids.some((pid) => isRunning(pid)));
  await supervisor.stop();
  t.equal(of('started').length, 2);
});

await t.test('the output of all runs is in the log, line by line', async (t) => {
  const logFile = `${t.testdir({})}/logs/a.log`;
  const script = `console.log("ready"); process.stderr.write("first\\r\\nlast"); ${UNTIL_STDIN_CLOSES}`;
  const service = childService('a', script, { logFile });
  const { supervisor, pidOf, isReady } = supervise(t, [service]);
  await supervisor.start();
  const pid = pidOf('a');
  await until(() => service.lines.includes('first'));
  process.kill(pid, 'SIGKILL');
  await until(() => isReady('a') && pidOf('a') !== pid);
  await until(() => service.lines.filter((line) => line === 'first').length === 2);
  await supervisor.stop();
  t.same(service.lines.toSorted(), ['first', 'first', 'last', 'last', 'ready', 'ready']);
  t.equal(readFileSync(logFile, 'utf8'), `${service.lines.join('\n')}\n`);
});

await t.test('a child is out of reach of a Ctrl-C in the terminal', async (t) => {
  const { supervisor, pidOf } = supervise(t, [childService('a', READY)]);
  await supervisor.start();
  const stat = readFileSync(`/proc/${pidOf('a')}/stat`, 'utf8');
  const processGroup = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  t.equal(processGroup, pidOf('a'));
});
