import { shareOut } from '../../pipeline/membership/rendezvous.ts';
import { Cluster } from './cluster.ts';
import type { Place } from './cluster.ts';
import { drawFault, FAULTS, FAULTS_WITH_POWER_LOSS } from './faults.ts';
import type { Fault } from './faults.ts';
import type { Scheduler, TraceSink } from './scheduler.ts';
import { useNetwork } from './virtual-net.ts';
import { drain, useScheduler } from './virtual-time.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';
import type { WorldSize } from './world.ts';
import { SWEEP_PART } from './writer-process.ts';

/** When everything has had time to start, ms. */
const FIRST_FAULT_MS = 2000;
/** How often the end is looked for once the faults are over, ms. */
const LOOK_EVERY_MS = 500;
/** Longer than every timeout and pause of the product taken together, ms. */
const RECOVERY_MS_MAX = 120_000;
/** The longest schedule known takes a tenth of these. */
const STEPS_MAX = 400_000;
/** An outage of a few seconds fills it. */
const SMALL_LANE_BYTES = 24 * 1024;
/** A closing of a few frames is due before its time is over. */
const SMALL_CLOSING_BYTES = 4 * 1024;
const SMALL_CLOSING_SHARE = 0.3;
/** Share of schedules that are about membership. */
const CROWDED_SHARE = 0.25;
/** Share of schedules that end when nobody has had anything to say for a while. */
const QUIET_SHARE = 0.3;

export interface PlayOptions {
  /** Gets every event, with what the product logs. */
  readonly trace?: TraceSink | undefined;
  /** JetStream may lose what it has acknowledged last. */
  readonly hasPowerLoss?: boolean;
}

export interface ScheduleResult {
  readonly seed: number;
  readonly steps: number;
  readonly checks: number;
  readonly storedFrames: number;
  readonly simulatedMs: number;
  readonly traceHash: string;
  readonly faults: readonly string[];
  readonly failure?: { readonly invariant: string; readonly message: string };
  /** What happened last, if it failed. */
  readonly recent: readonly string[];
}

/**
 * Plays the schedule of a seed: a fleet of some size starts, things go wrong, all is repaired, and in the
 * end every frame is in ClickHouse once and every part has the owner it should have.
 *
 * `installVirtualTime` and `installVirtualNet` must have been called in this thread.
 */
export async function playSchedule(
  seed: number,
  { trace, hasPowerLoss = false }: PlayOptions = {},
): Promise<ScheduleResult> {
  const world = new World(seed, drawSize, trace);
  const play = new Play(world, hasPowerLoss ? FAULTS_WITH_POWER_LOSS : FAULTS);
  useScheduler(world.scheduler);
  useNetwork(world.network);
  const onRejection = (reason: unknown): void => {
    const current = world.scheduler.current;
    if (current !== undefined) world.fail(current, reason);
  };
  process.on('unhandledRejection', onRejection);
  try {
    await play.run();
  } catch (error) {
    world.failure ??= error as Error;
  } finally {
    play.end();
    await drain();
    process.off('unhandledRejection', onRejection);
    useScheduler(undefined);
    useNetwork(undefined);
  }
  const { scheduler, ledger, failure } = world;
  return {
    seed,
    steps: scheduler.steps,
    checks: ledger.checks,
    storedFrames: ledger.shown.frames,
    simulatedMs: scheduler.nowMs,
    traceHash: scheduler.traceHash,
    faults: play.faults,
    recent: failure === undefined ? [] : scheduler.recent,
    ...(failure === undefined ? {} : { failure: describe(failure) }),
  };
}

function describe(failure: Error): { invariant: string; message: string } {
  if (failure instanceof Violation) {
    return { invariant: failure.invariant, message: failure.message };
  }
  return { invariant: 'unexpected_error', message: failure.stack ?? failure.message };
}

function drawSize({ random }: Scheduler): WorldSize {
  const laneBytesMax = random.chance(0.15) ? SMALL_LANE_BYTES : 16 * 1024 * 1024;
  const closing = {
    bytesMax: random.chance(SMALL_CLOSING_SHARE) ? SMALL_CLOSING_BYTES : 1024 * 1024,
    spanMs: random.pick([1000, 2000, 4000]),
    idleMs: random.pick([300, 1000, 3000]),
  };
  // Few frames and many members, or the other way round.
  if (random.chance(CROWDED_SHARE)) {
    const collectors = random.whole(1, 3);
    const writers = random.whole(2, 5);
    return { targets: 1, lanes: 4, laneBytesMax, collectors, writers, closing, faultsMax: 12 };
  }
  return {
    targets: random.whole(1, 5),
    lanes: random.whole(1, 2),
    laneBytesMax,
    collectors: random.whole(1, 3),
    writers: random.whole(1, 3),
    closing,
    faultsMax: 6,
  };
}

class Play {
  readonly faults: string[] = [];
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #kinds: readonly Fault[];
  readonly #lanes: readonly string[];
  #isOver = false;
  #isQuiet = false;
  #healedMs = 0;
  /** The newest message of each lane, and what could be swept, when all had been repaired. */
  #heldSeqs = new Map<string, number>();
  #closedPartitions: readonly string[] = [];

  constructor(world: World, kinds: readonly Fault[]) {
    this.#world = world;
    this.#kinds = kinds;
    this.#cluster = new Cluster(world);
    const { lanes } = world.size;
    this.#lanes = Array.from({ length: lanes }, (_, i) => `${lanes}x${i}`);
  }

  async run(): Promise<void> {
    const { scheduler } = this.#world;
    this.#begin();
    while (!this.#isOver) {
      if (!scheduler.step()) throw new Violation('stuck', 'nothing is left to happen');
      if (scheduler.current?.isProduct === true) await drain();
      const { failure } = this.#world;
      if (failure !== undefined) throw failure;
      if (scheduler.steps > STEPS_MAX) throw new Violation('endless', `${STEPS_MAX} steps`);
    }
    this.#world.ledger.checkSamples(this.#isQuiet);
  }

  end(): void {
    this.#cluster.killAll();
  }

  #begin(): void {
    const { scheduler } = this.#world;
    const { random } = scheduler;
    scheduler.after(random.between(0, 300), undefined, 'nats is started', () => {
      this.#cluster.startNats();
    });
    for (const place of this.#cluster.places) {
      const isFirst = place.kind === 'agent' || place.name.endsWith('-1');
      if (!isFirst && random.chance(0.2)) continue;
      scheduler.after(random.between(0, 1000), undefined, `${place.name} is started`, () => {
        this.#cluster.start(place);
      });
    }
    const lastFaultMs = FIRST_FAULT_MS + random.between(500, 9000);
    const count = random.whole(0, this.#world.size.faultsMax);
    for (let i = 0; i < count; i += 1) {
      const fault = drawFault(random, this.#kinds);
      this.faults.push(fault.name);
      scheduler.after(random.between(FIRST_FAULT_MS, lastFaultMs), undefined, fault.name, () => {
        fault.strike(this.#cluster, random);
      });
    }
    // What a fault set going may still come afterwards: the world is good again only after that.
    scheduler.after(lastFaultMs + random.between(0, 9500), undefined, 'all is repaired', () => {
      this.#heal();
    });
  }

  #heal(): void {
    const { scheduler, network } = this.#world;
    this.#healedMs = scheduler.nowMs;
    for (const { name } of this.#cluster.places) {
      network.heal(name, 'nats', false);
      for (const other of this.#cluster.places) network.heal(name, other.name, false);
    }
    const isWanted = (place: Place): boolean =>
      place.kind === 'agent' || this.#runningOf(place.kind).length === 0;
    this.#cluster.heal(isWanted);
    this.#mark();
    this.#look();
  }

  /** What is there now has to be stored for good, and swept, in the end. */
  #mark(): void {
    const { database, ledger, jetStream } = this.#world;
    for (const lane of this.#lanes) {
      const stream = ledger.streamOf(lane);
      this.#heldSeqs.set(stream, jetStream.streams.get(stream)?.lastSeq ?? 0);
    }
    this.#closedPartitions = database.tables.closedPartitions;
  }

  /** Ends the schedule when all is as it should be; fails it when that takes too long. */
  #look(): void {
    const { scheduler } = this.#world;
    scheduler.after(LOOK_EVERY_MS, undefined, 'look', () => {
      const open = this.#whatIsOpen() ?? this.#whatIsNotSafe();
      if (open === undefined) {
        if (this.#isQuiet || !scheduler.random.chance(QUIET_SHARE)) this.#isOver = true;
        else this.#silence();
      } else if (scheduler.nowMs - this.#healedMs > RECOVERY_MS_MAX) {
        throw new Violation('not_recovered', open);
      }
      // Somebody may have been stopping when all was repaired.
      for (const place of this.#cluster.places) {
        const isAlone = this.#runningOf(place.kind).length === 0;
        if (this.#isQuiet && place.kind !== 'writer') continue;
        if (isAlone || place.kind === 'agent') this.#cluster.start(place);
      }
      if (!this.#isOver) this.#look();
    });
  }

  /** From now on nothing comes: in the end the lanes have to be closed, and `samples_recent` empty. */
  #silence(): void {
    for (const place of this.#cluster.places) {
      if (place.kind !== 'writer') this.#cluster.kill(place);
    }
    this.#isQuiet = true;
    this.#healedMs = this.#world.scheduler.nowMs;
    this.#mark();
  }

  #runningOf(kind: Place['kind']): Place[] {
    return this.#cluster.places.filter(
      (place) => place.kind === kind && place.member !== undefined && !place.isLeaving,
    );
  }

  #whatIsOpen(): string | undefined {
    const { ledger, shards } = this.#world;
    const isLeaving = this.#cluster.places.find((place) => place.isLeaving);
    if (isLeaving !== undefined) return `${isLeaving.name} is stopping`;
    const missing = ledger.missing(this.#healedMs);
    if (missing !== undefined) return `frame ${missing} is not in ClickHouse`;
    if (!this.#isQuiet) {
      const wrong = this.#wrongOwner('collector', shards);
      if (wrong !== undefined) return wrong;
    }
    return this.#wrongOwner('writer', [...this.#lanes, SWEEP_PART]);
  }

  #whatIsNotSafe(): string | undefined {
    const { ledger, database } = this.#world;
    for (const [stream, heldSeq] of this.#heldSeqs) {
      const below = ledger.safeBelow(stream);
      if (below <= heldSeq) return `${stream} is stored for good below ${below}, of ${heldSeq}`;
    }
    const { closedPartitions } = database.tables;
    const left = this.#isQuiet
      ? closedPartitions
      : closedPartitions.filter((partition) => this.#closedPartitions.includes(partition));
    if (left.length > 0) return `partition ${left[0]} is still there`;
    return undefined;
  }

  /** Each part has one living owner, the one whose share it is, and the log says the same. */
  #wrongOwner(role: 'collector' | 'writer', parts: readonly string[]): string | undefined {
    const memberships = this.#runningOf(role).map(({ name, member }) => ({
      name,
      membership: member!.membership,
    }));
    const late = memberships.find(({ membership }) => membership === undefined);
    if (late !== undefined) return `${late.name} does not take part yet`;
    const members = memberships.map(({ membership }) => membership!);
    const spread = role === 'collector' ? 'hashed' : 'even';
    const shares = shareOut(
      members.map(({ id }) => ({ id, offers: parts })),
      spread,
    );
    for (const part of parts) {
      const owners = members.filter(({ owned }) => owned.has(part));
      if (owners.length !== 1) return `${role} ${part} has ${owners.length} owners`;
      const [owner] = owners;
      if (shares.get(part) !== owner!.id)
        return `${role} ${part} has not come to who should own it`;
      const claim = this.#world.ledger.claimOf(role, part);
      if (claim?.member !== owner!.id || claim.epoch !== owner!.owned.get(part)) {
        return `${role} ${part} is owned under another claim than the log's`;
      }
    }
    return undefined;
  }
}
