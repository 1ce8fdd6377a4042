import { NatsServer } from './nats-server.ts';
import { AgentProcess } from './agent-process.ts';
import { CollectorProcess } from './collector-process.ts';
import type { SimulatedMember } from './simulated-member.ts';
import { SimulatedProcess } from './simulated-process.ts';
import { WriterProcess } from './writer-process.ts';
import type { World } from './world.ts';

type Kind = 'collector' | 'writer' | 'agent';

/** A place where a process runs, one run after the other. */
export interface Place {
  readonly kind: Kind;
  readonly name: string;
  readonly start: (process: SimulatedProcess) => SimulatedMember;
  /** The present run; undefined while there is none. */
  member: SimulatedMember | undefined;
  /** It was told to stop and has not ended. */
  isLeaving: boolean;
}

/** A process that was told to stop and does not is killed by its service manager, ms. */
const STOP_MS_MAX = 10_000;
/** Share of runs whose wall clock is wrong, and how far. */
const WRONG_CLOCK_SHARE = 0.3;
const CLOCK_OFFSET_MS_MAX = 20_000;

function placeOf(kind: Kind, name: string, start: Place['start']): Place {
  return { kind, name, start, member: undefined, isLeaving: false };
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** The processes of a simulated fleet, and what may happen to them. */
export class Cluster {
  readonly world: World;
  readonly places: readonly Place[];
  #nats: SimulatedProcess | undefined;

  constructor(world: World) {
    this.world = world;
    const { collectors, writers } = world.size;
    this.places = [
      ...world.targets.map((target) =>
        placeOf('agent', target.instance, (process) => new AgentProcess(world, process, target)),
      ),
      ...numbered(collectors).map((i) =>
        placeOf('collector', `collector-${i}`, (process) => new CollectorProcess(world, process)),
      ),
      ...numbered(writers).map((i) =>
        placeOf('writer', `writer-${i}`, (process) => new WriterProcess(world, process)),
      ),
    ];
  }

  get nats(): SimulatedProcess | undefined {
    return this.#nats;
  }

  startNats(): void {
    const { scheduler, network, jetStream, unheard } = this.world;
    if (this.#nats?.isDead === false) return;
    const process = new SimulatedProcess('nats', false);
    this.#nats = process;
    scheduler.after(0, process, 'starts', () => {
      const server = new NatsServer(scheduler, process, jetStream, unheard);
      server.listen(network);
    });
  }

  start(place: Place): void {
    if (place.member !== undefined) return;
    place.isLeaving = false;
    const process = new SimulatedProcess(place.name);
    const { random } = this.world.scheduler;
    if (random.chance(WRONG_CLOCK_SHARE)) {
      process.clockOffsetMs = random.between(-CLOCK_OFFSET_MS_MAX, CLOCK_OFFSET_MS_MAX);
    }
    place.member = place.start(process);
  }

  kill(place: Place): void {
    place.member?.process.kill();
    place.member = undefined;
    place.isLeaving = false;
  }

  /** SIGTERM: the process stops in order, or is killed if it takes too long. */
  leave(place: Place): void {
    const { member } = place;
    if (member === undefined || place.isLeaving) return;
    place.isLeaving = true;
    const { scheduler } = this.world;
    const end = (): void => {
      if (place.member === member) this.kill(place);
    };
    scheduler.after(0, member.process, 'is told to stop', () => {
      member.stop().then(end, (error: unknown) => this.world.fail(member.process, error));
    });
    scheduler.after(STOP_MS_MAX, undefined, `${place.name} has to have stopped`, end);
  }

  /** SIGSTOP, and SIGCONT after a while. */
  stopFor(process: SimulatedProcess, durationMs: number): void {
    if (process.state !== 'running') return;
    process.state = 'stopped';
    this.world.scheduler.after(durationMs, undefined, `${process.name} goes on`, () => {
      this.world.scheduler.resume(process);
    });
  }

  /** Everything that was broken works again; at least the processes that `isWanted` run. */
  heal(isWanted: (place: Place) => boolean): void {
    const { scheduler, database, unheard } = this.world;
    database.recover();
    unheard.clear();
    if (this.#nats !== undefined) scheduler.resume(this.#nats);
    this.startNats();
    for (const place of this.places) {
      const { member } = place;
      if (member !== undefined) scheduler.resume(member.process);
      else if (isWanted(place)) this.start(place);
    }
  }

  killAll(): void {
    for (const place of this.places) this.kill(place);
    this.#nats?.kill();
  }
}
