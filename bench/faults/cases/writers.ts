import type { FailPointName } from '../../../pipeline/fault/fail-point.ts';
import type { FaultCase } from '../fault-case.ts';

/** With the pass at which it dies at the latest: a run begins once a lane, when a writer takes it. */
const POINTS: readonly (readonly [point: FailPointName, passesMax: number])[] = [
  ['writer.samples_inserted', 6],
  ['writer.frames_inserted', 6],
  ['writer.minutes_inserted', 6],
  ['writer.records_inserted', 4],
  ['writer.closing_committed', 4],
  ['writer.run_begun', 1],
];
/** It has passed every point by then. */
const REACHED_MS_MAX = 45_000;
/** So that it passes them often. */
const OFTEN = {
  ROLLCALL_WRITER_FLUSH_INTERVAL: '200ms',
  ROLLCALL_WRITER_CLOSING_SPAN: '2s',
} as const;

export const writerDies: FaultCase = {
  id: 'F2',
  title: 'the writer dies between insert and acknowledgement',
  mustHold: 'it dies at each boundary of an insert; nothing is lost or stored twice',
  settings: () => ({ environment: OFTEN }),
  async disturb(run) {
    const points = run.either([...POINTS, ...POINTS], POINTS);
    for (const [point, passesMax] of points) {
      const { part } = run.member('writer', run.random.below(run.system.of('writer').length));
      const pass = 1 + run.random.below(passesMax);
      run.say(`${part.name} dies at pass ${pass} of ${point}`);
      await run.disturbed(async () => {
        const reached = part.diesAt(`${point}=kill@${pass}`, REACHED_MS_MAX);
        run.check(`${part.name} died at ${point}`, await reached);
        await part.ready();
      });
      await run.aRandomMoment(1500);
    }
  },
};

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
