import { randomInt } from 'node:crypto';
import t from 'tap';
import type { ScheduleResult } from '../schedule.ts';
import { simulate } from '../simulate.ts';
import type { SimulateOptions } from '../simulate.ts';

t.setTimeout(300_000);

/** Schedules that once failed, each for another reason. */
const SEEDS_THAT_FAILED = [6, 71, 146, 161, 197, 1087, 1165, 603033];
/** What two threads play in about half a minute. */
const SCHEDULES = 300;
/** Far beyond what any of these takes: the number of schedules ends them. */
const SECONDS_MAX = 600;

const FAULTS_MODULE = new URL('planted-faults.ts', import.meta.url).href;

/** What each planted fault must be found as, within so many schedules. */
const PLANTED: readonly [name: string, schedules: number, ...invariants: string[]][] = [
  ['forgetfulMemory', 240, 'stored_twice', 'samples_differ'],
  ['memoryWithoutLookup', 400, 'stored_twice', 'samples_differ'],
  ['memoryOfHiddenFrames', 240, 'vanished', 'samples_differ', 'trimmed_before_stored'],
  [
    'ledgerWithoutFencing',
    400,
    'stored_twice',
    'samples_differ',
    'trimmed_before_stored',
    'committed_before_stored',
  ],
  [
    'commitWithoutLooking',
    1000,
    'samples_differ',
    'trimmed_before_stored',
    'stored_twice',
    'vanished',
  ],
  [
    'claimThatReadsFirst',
    1000,
    'committed_before_stored',
    'samples_differ',
    'trimmed_before_stored',
    'vanished',
  ],
  ['nothingHidden', 240, 'stored_twice', 'samples_differ'],
  ['beginAtOnce', 240, 'vanished'],
  ['commitBeforeSlices', 240, 'samples_differ', 'vanished'],
  ['positionWithoutNext', 240, 'committed_before_stored'],
  ['eagerTrim', 240, 'trimmed_before_stored'],
  ['sweepOfOpenClosings', 240, 'samples_differ', 'vanished'],
  ['sweepOfUnbegunRuns', 240, 'samples_differ', 'vanished'],
  ['freshTokens', 240, 'samples_differ', 'stored_twice'],
  ['framesFirst', 240, 'samples_differ'],
  ['earlyAcknowledgement', 240, 'acknowledged_before_stored'],
  ['claimsWithoutComparing', 240, 'epoch_did_not_grow', 'two_owners'],
  ['ringWithoutPatience', 240, 'acknowledged_before_stored'],
];

/** Where planted faults are looked for: any seed will do, some take longer. */
const FIRST_SEED_PLANTED = 3000;

async function play(options: Partial<SimulateOptions>): Promise<ScheduleResult[]> {
  const results: ScheduleResult[] = [];
  await simulate({
    seed: 0,
    schedules: 1,
    seconds: SECONDS_MAX,
    threads: 1,
    ...options,
    onResult: (result) => results.push(result),
  });
  return results;
}

function failureOf({ seed, failure, recent }: ScheduleResult): unknown {
  return failure === undefined
    ? undefined
    : { replay: `./rollcall bench simulate --seed ${seed} --schedules 1 --trace`, failure, recent };
}

await t.test('a seed repeats its schedule to the last event', async (t) => {
  const [alone] = await play({ seed: 7 });
  const [, , inSeries] = await play({ seed: 5, schedules: 3 });
  const lines: string[] = [];
  const [traced] = await play({ seed: 7, onTrace: (line) => lines.push(line) });
  t.equal(inSeries!.seed, 7);
  t.equal(inSeries!.traceHash, alone!.traceHash);
  t.equal(traced!.traceHash, alone!.traceHash);
  t.equal(traced!.steps, alone!.steps);
  t.ok(lines.length > traced!.steps, 'a trace has every event');
  const [other] = await play({ seed: 8 });
  t.not(other!.traceHash, alone!.traceHash);
});

await t.test('schedules that once failed do so no longer', async (t) => {
  for (const seed of SEEDS_THAT_FAILED) {
    const [result] = await play({ seed });
    t.equal(failureOf(result!), undefined, `seed ${seed}`);
  }
});

await t.test('schedules nobody has seen before', async (t) => {
  const seed = randomInt(2 ** 32);
  t.comment(`first seed ${seed}`);
  const results = await play({ seed, schedules: SCHEDULES, threads: 2 });
  for (const result of results) {
    if (result.failure !== undefined) t.equal(failureOf(result), undefined, `seed ${result.seed}`);
  }
  t.equal(results.length, SCHEDULES);
  t.ok(results.some(({ storedFrames }) => storedFrames > 100));
});

for (const [name, schedules, ...invariants] of PLANTED) {
  await t.test(`a planted fault is found: ${name}`, async (t) => {
    const planted = { module: FAULTS_MODULE, name };
    const results = await play({ seed: FIRST_SEED_PLANTED, schedules, planted });
    const found = results.find(({ failure }) => failure !== undefined);
    t.ok(found, `among ${schedules} schedules`);
    const invariant = found?.failure?.invariant ?? 'none';
    t.ok(invariants.includes(invariant), `found as ${invariant}`);
    t.comment(`the schedule that found it: ${results.length}`);
  });
}
