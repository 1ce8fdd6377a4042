import { instanceOf } from '../../fleet/fleet.ts';
import { FalseClock } from '../false-clock.ts';
import type { FaultCase } from '../fault-case.ts';
import type { FaultRun } from '../fault-run.ts';
import { longestTickGapMs } from '../unwatched.ts';

const HOUR_S = 3600;
const MINUTE_MS = 60_000;
const SKEWED_AGENTS = 6;

export const clockSteps: FaultCase = {
  id: 'F20',
  title: 'clocks step by ±1 h, agents are minutes off',
  mustHold:
    'intervals follow the monotonic clock, skew is flagged, and nothing fires that should not',
  settings: () => ({ reservedAgents: SKEWED_AGENTS }),
  async disturb(run) {
    await stepOfTheCentre(run);
    await agentsAreOff(run);
  },
};

/** Collectors and alerters change their clocks under everybody's feet. */
async function stepOfTheCentre(run: FaultRun): Promise<void> {
  const { system, fleet } = run;
  const clock = await FalseClock.create(run.cacheDir, system.options.dataDir);
  await run.disturbed(async () => {
    for (const { part } of [...system.of('collector'), ...system.of('alerter')]) {
      await part.holdDown('SIGTERM');
      await part.start(clock.environment);
    }
    await run.eventually(
      30_000,
      async () => (await fleet.status()).connected === fleet.options.agents,
    );
  });
  await run.intervals(3);
  const fromMs = Date.now();
  for (const seconds of [HOUR_S, -HOUR_S, 0]) {
    run.say(`the clocks of collectors and alerters are ${seconds} s ahead`);
    clock.set(seconds);
    await run.seconds(30, 8);
    if (seconds === 0) continue;
    const skew = -seconds;
    const flagged = await flaggedAgents(run, skew, 5);
    const enough = flagged >= 0.9 * fleet.options.agents;
    run.check(`a skew of ${skew} s is flagged`, enough, `for ${flagged} targets`);
  }
  const gapMs = longestTickGapMs(await fleet.ledger(), fromMs, Date.now());
  const isSteady = gapMs <= 1.5 * run.intervalMs;
  run.checkInTime(
    'intervals follow the monotonic clock',
    isSteady,
    `${gapMs} ms between two frames`,
  );
}

/** Some agents are wrong themselves, one of them while it has a breach. */
async function agentsAreOff(run: FaultRun): Promise<void> {
  const agents = Array.from({ length: SKEWED_AGENTS }, (_, agent) => agent);
  run.say('some agents are three minutes ahead');
  await run.fleet.skew(agents, 3 * MINUTE_MS);
  await run.seconds(15, 6);
  const flagged = await flaggedAgents(run, 180, 2);
  run.check('three minutes are flagged', flagged >= SKEWED_AGENTS, `for ${flagged} targets`);
  await run.fleet.breach(0, 'sim_breach', true);
  const isPaged = await run.eventually(15_000, () =>
    run.catchers[0]!.pages.some(({ instance }) => instance === instanceOf(0)),
  );
  run.check('a breach of one of them is paged', isPaged);
  await run.intervals(5);
  await run.fleet.breach(0, 'sim_breach', false);
  await run.intervals(3);
  for (const hours of [1, -1, 0]) {
    run.say(`some agents are ${hours} h ahead`);
    await run.fleet.skew(agents, hours * 60 * MINUTE_MS);
    await run.seconds(20, 5);
  }
}

/** Targets that were ever said to be about so many seconds off. */
async function flaggedAgents(run: FaultRun, seconds: number, tolerance: number): Promise<number> {
  const [row] = await run.system.store.rows<{ targets: string }>(
    `SELECT uniqExact(instance) AS targets FROM metrics(start = '1970-01-01 00:00:00', end = '2100-01-01 00:00:00')
     WHERE name = 'rollcall_target_clock_skew_seconds'
         AND abs(value - {seconds:Float64}) < {tolerance:Float64}`,
    { seconds, tolerance },
  );
  return Number(row?.targets ?? 0);
}
