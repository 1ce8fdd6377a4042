import { setTimeout as sleep } from 'node:timers/promises';
import { instanceOf } from '../../fleet/fleet.ts';
import type { Breach } from '../../fleet/fleet-source.ts';
import type { FaultCase } from '../fault-case.ts';
import type { FaultRun } from '../fault-run.ts';

/** When an alerter is killed, in intervals since an agent's breaches began, or since they ended. */
const MOMENTS: readonly (readonly [state: string, intervals: number, isAfterEnd: boolean])[] = [
  ['inactive', 0, false],
  ['pending, early', 0.7, false],
  ['pending, late', 2.7, false],
  ['one firing, one pending', 5, false],
  ['firing', 12, false],
  ['resolved, perhaps unsent', 0.3, true],
];
/** The longest `for` has passed after ten intervals. */
const BREACH_INTERVALS = 14;
const BREACHES: readonly Breach[] = ['sim_breach', 'sim_breach_held', 'sim_breach_long'];

export const alerterDies: FaultCase = {
  id: 'F10',
  title: 'an alerter dies in each state of an alert',
  mustHold: 'no page is missed, a repeat has the same key, and a `for` keeps its progress',
  settings: () => ({ processes: { alerter: 2 }, reservedAgents: 2 * MOMENTS.length }),
  async disturb(run) {
    run.startsLateMsMax = 2 * run.intervalMs;
    const isTakeOver = run.either([false, true], [false]);
    const rounds = isTakeOver.flatMap((by) => MOMENTS.map((moment) => ({ moment, by })));
    await run.disturbed(async () => {
      for (const [agent, { moment, by }] of rounds.entries()) await killAt(run, agent, moment, by);
    });
  },
};

async function killAt(
  run: FaultRun,
  agent: number,
  [state, intervals, isAfterEnd]: (typeof MOMENTS)[number],
  isTakeOver: boolean,
): Promise<void> {
  const how = isTakeOver ? 'taken over' : 'restarted';
  run.say(`alerters die while alerts of ${instanceOf(agent)} are ${state}; ${how}`);
  const set = async (isOn: boolean): Promise<void> => {
    for (const breach of BREACHES) await run.fleet.breach(agent, breach, isOn);
  };
  await set(true);
  if (isAfterEnd) {
    await run.intervals(BREACH_INTERVALS);
    await set(false);
  }
  await run.intervals(intervals);
  await killAlerters(run, isTakeOver);
  if (isAfterEnd) return;
  await run.intervals(Math.max(2, BREACH_INTERVALS - intervals));
  await set(false);
}

/** All at once, which are then restarted; or the first, whose work the others must take. */
async function killAlerters(run: FaultRun, isTakeOver: boolean): Promise<void> {
  const [first, ...others] = run.system.of('alerter').map(({ part }) => part);
  if (isTakeOver) {
    await first!.holdDown('SIGKILL');
    await sleep(6000);
    await first!.start();
    return;
  }
  await Promise.all([first!, ...others].map((part) => part.kill()));
}

export const alerterIsDown: FaultCase = {
  id: 'F11',
  title: 'a breach starts and ends while every alerter is down',
  mustHold: 'it is paged when they return',
  settings: () => ({ reservedAgents: 3 }),
  async disturb(run) {
    const alerters = run.system.of('alerter').map(({ part }) => part);
    await run.disturbed(async () => {
      await Promise.all(alerters.map((part) => part.holdDown('SIGTERM')));
      await run.seconds(20, 2);
      for (let agent = 0; agent < 3; agent += 1) await run.fleet.breach(agent, 'sim_breach', true);
      await run.intervals(4);
      for (let agent = 0; agent < 3; agent += 1) await run.fleet.breach(agent, 'sim_breach', false);
      await run.seconds(35, 3);
      await Promise.all(alerters.map((part) => part.start()));
    });
    const [{ pages }] = run.catchers as [FaultRun['catchers'][number]];
    const isPaged = await run.eventually(15_000, () =>
      [0, 1, 2].every((agent) => pages.some(({ instance }) => instance === instanceOf(agent))),
    );
    run.check('the breaches of meanwhile are paged', isPaged);
  },
};

const RECEIVERS = 4;
const PAGE_MS_MAX = 5000;

export const receiversFail: FaultCase = {
  id: 'F13',
  title: 'receivers answer 500, 429 or not at all',
  mustHold: 'a good one is not delayed (5 s), and each page reaches each at last, under one key',
  settings: () => ({
    furtherReceivers: RECEIVERS - 1,
    environment: {
      ROLLCALL_ALERTER_NOTIFY_TIMEOUT: '2s',
      ROLLCALL_ALERTER_RETRY_BACKOFF_MAX: '2s',
    },
  }),
  async disturb(run) {
    const [good, failing, busy, hanging] = run.catchers;
    failing!.manners = 500;
    busy!.manners = 429;
    hanging!.manners = 'hanging';
    const before = good!.pages.length;
    await run.seconds(45, 15);
    const delays = good!.pages
      .slice(before)
      .map(({ receivedMs, startsAtMs, endsAtMs, status }) =>
        status === 'firing' ? receivedMs - startsAtMs : receivedMs - endsAtMs,
      );
    const longest = Math.max(...delays);
    const detail = `${delays.length} pages, the slowest after ${longest} ms`;
    run.checkInTime('the good receiver is not delayed', longest <= PAGE_MS_MAX, detail);
    for (const catcher of run.catchers) catcher.manners = 'good';
    const isLevel = (): boolean =>
      run.catchers.every(({ pages }) => pages.length >= good!.pages.length);
    run.check('the others catch up within a minute', await run.eventually(60_000, isLevel));
  },
};
