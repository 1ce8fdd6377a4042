import type { FaultCase } from '../fault-case.ts';
import { longestUnwatchedMs } from '../unwatched.ts';

/** Two cycles of the usual interval: heartbeats, and so take-overs, do not get faster with a shorter one. */
const TWO_CYCLES_MS = 10_000;

export const nothing: FaultCase = {
  id: 'F0',
  title: 'nothing goes wrong',
  mustHold: 'the harness itself: a system that is left alone agrees with the ledger',
  async disturb(run) {
    await run.seconds(30, 6);
  },
};

export const collectorDies: FaultCase = {
  id: 'F1',
  title: 'a collector dies',
  mustHold: 'its targets are dialled by others within two cycles (10 s)',
  settings: () => ({ processes: { collector: 2 } }),
  async disturb(run) {
    const times = run.either(10, 3);
    const collectors = run.system.of('collector');
    for (let i = 0; i < times; i += 1) {
      await run.aRandomMoment(4000);
      const { part } = collectors[run.random.below(collectors.length)]!;
      run.say(`SIGKILL to ${part.name}, ${i + 1} of ${times}`);
      const killedMs = Date.now();
      await run.disturbed(async () => {
        await part.kill();
        await run.eventually(TWO_CYCLES_MS + 5000, async () => {
          const { connected } = await run.fleet.status();
          return connected === run.fleet.options.agents;
        });
        await part.ready();
      });
      const gapMs = longestUnwatchedMs(await run.fleet.ledger(), killedMs, Date.now());
      run.checkInTime(
        'dialled again within 10 s',
        gapMs <= TWO_CYCLES_MS,
        `${Math.round(gapMs)} ms`,
      );
    }
  },
};
