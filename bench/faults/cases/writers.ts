import { setTimeout as sleep } from 'node:timers/promises';
import type { FailPointName } from '../../../pipeline/fault/fail-point.ts';
import type { FaultCase } from '../fault-case.ts';
import type { FaultRun } from '../fault-run.ts';

const POINTS: readonly FailPointName[] = [
  'writer.samples_inserted',
  'writer.frames_inserted',
  'writer.intent_written',
  'writer.position_closed',
];
/** A writer flushes every second: it has passed every point by then. */
const REACHED_MS_MAX = 45_000;
/** So that it passes them more often than that. */
const OFTEN = { ROLLCALL_WRITER_FLUSH_INTERVAL: '200ms' } as const;
/** A lane is idle while nobody publishes: for a shorter time than makes others take the shards. */
const IDLE_MS = 1500;

export const writerDies: FaultCase = {
  id: 'F2',
  title: 'the writer dies between insert and acknowledgement',
  mustHold: 'it dies at each boundary of an insert; nothing is lost or stored twice',
  settings: () => ({ environment: OFTEN }),
  async disturb(run) {
    const points = run.either([...POINTS, ...POINTS], POINTS.slice(0, 3));
    for (const point of points) {
      const { part } = run.member('writer', run.random.below(run.system.of('writer').length));
      const pass = 1 + run.random.below(6);
      run.say(`${part.name} dies at pass ${pass} of ${point}`);
      await run.disturbed(async () => {
        const reached = part.diesAt(`${point}=kill@${pass}`, REACHED_MS_MAX);
        // A position is closed when nothing follows, which never happens on a lane that hundreds of agents share.
        if (point === 'writer.position_closed') await idleNowAndThen(run, reached);
        run.check(`${part.name} died at ${point}`, await reached);
        await part.ready();
      });
      await run.aRandomMoment(1500);
    }
  },
};

/** Collectors stand still again and again, until something has happened. */
async function idleNowAndThen(run: FaultRun, until: Promise<unknown>): Promise<void> {
  const collectors = run.system.of('collector').map(({ part }) => part);
  const over = new AbortController();
  void until.finally(() => over.abort());
  while (!over.signal.aborted) {
    for (const part of collectors) part.signal('SIGSTOP');
    await sleep(IDLE_MS);
    for (const part of collectors) part.signal('SIGCONT');
    await sleep(IDLE_MS);
  }
}

export const slowWriter: FaultCase = {
  id: 'F22',
  title: 'slow consumer: the writer stands still for 60 s',
  mustHold: 'it catches up',
  async disturb(run) {
    for (const { part } of run.system.of('writer')) part.signal('SIGSTOP');
    await run.seconds(60, 12);
    for (const { part } of run.system.of('writer')) part.signal('SIGCONT');
    const isCaughtUp = await run.eventually(60_000, async () => {
      const { frames } = await run.fleet.status();
      return (await run.stored()) > frames - 4 * run.fleet.options.agents;
    });
    run.checkInTime('the writer catches up within a minute', isCaughtUp);
  },
};
