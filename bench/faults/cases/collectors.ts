import type { FaultCase } from '../fault-case.ts';
import { longestTickGapMs, longestUnwatchedMs } from '../unwatched.ts';

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

/** Of five the last joins late, so four run at any time but for a while. */
export const collectorsComeAndGo: FaultCase = {
  id: 'F1J',
  title: 'of four collectors one dies for good, and another joins',
  mustHold: 'no agent is without a connection for longer than two cycles (10 s); no tick is missed',
  settings: () => ({ processes: { collector: 5 } }),
  async disturb(run) {
    const collectors = run.system.of('collector').map(({ part }) => part);
    const [victim] = collectors;
    const joiner = collectors.at(-1)!;
    await run.disturbed(() => joiner.holdDown('SIGTERM'));
    await run.seconds(15, 8);
    const fromMs = Date.now();
    run.say(`SIGKILL to ${victim!.name}, for good`);
    await run.disturbed(async () => {
      await victim!.holdDown('SIGKILL');
      await run.seconds(30, 12);
    });
    run.say(`${joiner.name} joins`);
    await joiner.start();
    await run.seconds(30, 12);
    const toMs = Date.now();
    const ledger = await run.fleet.ledger();
    const unwatchedMs = longestUnwatchedMs(ledger, fromMs, toMs);
    run.checkInTime(
      'no agent without a connection for more than 10 s',
      unwatchedMs <= TWO_CYCLES_MS,
      `${Math.round(unwatchedMs)} ms`,
    );
    const gapMs = longestTickGapMs(ledger, fromMs, toMs);
    const isWhole = gapMs < 1.9 * run.intervalMs;
    run.checkInTime('no tick is missed', isWhole, `${gapMs} ms between two frames at most`);
    const shares = await run.system.metrics('collector');
    const owned = shares.map((each) => each.sum('rollcall_parts_owned', 'collector'));
    run.note(`shards of each: ${owned.join(', ')}`);
    run.check('every living collector has a share', owned.length === 4 && !owned.includes(0));
  },
};
