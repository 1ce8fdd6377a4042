import type { Cluster, Place } from './cluster.ts';
import type { Random } from './random.ts';

/** Something that goes wrong at one instant of a schedule, and is repaired by itself or by `heal`. */
export interface Fault {
  readonly name: string;
  /** How often it is drawn, compared with the others. */
  readonly weight: number;
  strike(cluster: Cluster, random: Random): void;
}

/** How long what was killed stays away, ms. */
const AWAY_MS = { min: 50, max: 6000 } as const;

function somebody(cluster: Cluster, random: Random): Place {
  return random.pick(cluster.places);
}

function comeBack(cluster: Cluster, random: Random, place: Place): void {
  const awayMs = random.between(AWAY_MS.min, AWAY_MS.max);
  cluster.world.scheduler.after(awayMs, undefined, `${place.name} is started again`, () => {
    cluster.start(place);
  });
}

const killProcess: Fault = {
  name: 'kill',
  weight: 5,
  strike(cluster, random) {
    const place = somebody(cluster, random);
    cluster.world.scheduler.note(`kill -9 ${place.name}`);
    cluster.kill(place);
    if (random.chance(0.8)) comeBack(cluster, random, place);
  },
};

const leave: Fault = {
  name: 'leave',
  weight: 2,
  strike(cluster, random) {
    const place = somebody(cluster, random);
    if (place.kind === 'agent') return;
    cluster.world.scheduler.note(`stop ${place.name}`);
    cluster.leave(place);
    if (random.chance(0.5)) comeBack(cluster, random, place);
  },
};

const join: Fault = {
  name: 'join',
  weight: 2,
  strike(cluster, random) {
    const away = cluster.places.filter(({ member }) => member === undefined);
    if (away.length > 0) cluster.start(random.pick(away));
  },
};

const pauseProcess: Fault = {
  name: 'pause',
  weight: 5,
  strike(cluster, random) {
    const { member, name } = somebody(cluster, random);
    if (member === undefined) return;
    cluster.world.scheduler.note(`stop ${name} for a while`);
    cluster.stopFor(member.process, random.between(50, random.chance(0.5) ? 1000 : 9000));
  },
};

const killNats: Fault = {
  name: 'nats-kill',
  weight: 1,
  strike(cluster, random) {
    cluster.nats?.kill();
    const awayMs = random.between(10, 4000);
    cluster.world.scheduler.after(awayMs, undefined, 'nats is started again', () => {
      cluster.startNats();
    });
  },
};

const pauseNats: Fault = {
  name: 'nats-pause',
  weight: 1,
  strike(cluster, random) {
    const { nats } = cluster;
    if (nats !== undefined) cluster.stopFor(nats, random.between(100, 8000));
  },
};

/** The machine under NATS loses power: what was written last to some lanes is gone. */
const powerFails: Fault = {
  name: 'power',
  weight: 6,
  strike(cluster, random) {
    killNats.strike(cluster, random);
    const count = random.whole(1, 8);
    cluster.world.scheduler.note(`lanes lose ${count} messages`);
    const isLane = (stream: string): boolean => /_lane_/.test(stream) && random.chance(0.7);
    cluster.world.jetStream.loseNewest(isLane, count);
  },
};

/** A connection is reset, or carries nothing for a while and then goes on, or was given up. */
const cutLink: Fault = {
  name: 'cut',
  weight: 5,
  strike(cluster, random) {
    const { network, scheduler } = cluster.world;
    const one = somebody(cluster, random);
    const collectors = cluster.places.filter(({ kind }) => kind === 'collector');
    const other = one.kind === 'agent' ? random.pick(collectors).name : 'nats';
    if (random.chance(0.4)) {
      scheduler.note(`reset ${one.name} ${other}`);
      network.resetAll(one.name, other);
      return;
    }
    scheduler.note(`cut ${one.name} ${other}`);
    network.cut(one.name, other);
    scheduler.after(random.between(20, 7000), undefined, `heal ${one.name} ${other}`, () => {
      network.heal(one.name, other, random.chance(0.5));
    });
  },
};

/** A writer is taken for gone while it goes on, and does not hear that others have its lanes. */
const unheardWriter: Fault = {
  name: 'unheard-writer',
  weight: 3,
  strike(cluster, random) {
    const { unheard, scheduler } = cluster.world;
    const { name } = random.pick(cluster.places.filter(({ kind }) => kind === 'writer'));
    scheduler.note(`${name} is not heard`);
    unheard.add(name);
    scheduler.after(random.between(4000, 9000), undefined, `${name} is heard again`, () => {
      unheard.delete(name);
    });
  },
};

const databaseFails: Fault = {
  name: 'database',
  weight: 4,
  strike(cluster, random) {
    const { database, scheduler } = cluster.world;
    const { weather } = database;
    const kind = random.pick(['down', 'hangs', 'fails', 'loses', 'slow'] as const);
    scheduler.note(`clickhouse ${kind}`);
    if (kind === 'down') database.crash();
    else if (kind === 'hangs') weather.state = 'hangs';
    else if (kind === 'fails') weather.failShare = 0.5;
    else if (kind === 'loses') weather.loseShare = 0.5;
    else weather.slowShare = 0.3;
    const durationMs = random.between(200, kind === 'hangs' ? 8000 : 4000);
    scheduler.after(durationMs, undefined, 'clickhouse recovers', () => database.recover());
  },
};

/** A writer cannot hear that it has lost its lanes, and goes on with what it has. */
const lonelyWriter: Fault = {
  name: 'lonely-writer',
  weight: 3,
  strike(cluster, random) {
    const { network, scheduler } = cluster.world;
    const { name, member } = random.pick(cluster.places.filter(({ kind }) => kind === 'writer'));
    scheduler.note(`cut ${name} nats for long`);
    network.cut(name, 'nats');
    scheduler.after(random.between(3500, 9000), undefined, `heal ${name} nats`, () => {
      network.heal(name, 'nats', random.chance(0.5));
    });
    // Stopped for a while, it is late with everything that it has begun.
    if (member === undefined || random.chance(0.5)) return;
    scheduler.after(random.between(0, 2000), undefined, `stop ${name} for a while`, () => {
      cluster.stopFor(member.process, random.between(500, 5000));
    });
  },
};

/** The same, and it still has something to insert. */
const staleWriter: Fault = {
  name: 'stale-writer',
  weight: 3,
  strike(cluster, random) {
    const { network, scheduler, database } = cluster.world;
    const { name } = random.pick(cluster.places.filter(({ kind }) => kind === 'writer'));
    scheduler.note(`cut ${name} nats, and clickhouse fails`);
    const endMs = random.between(3500, 8000);
    network.cut(name, 'nats');
    scheduler.after(endMs, undefined, `heal ${name} nats`, () => {
      network.heal(name, 'nats', random.chance(0.5));
    });
    if (random.chance(0.5)) database.weather.state = 'hangs';
    else Object.assign(database.weather, { failShare: 0.7, slowShare: 0.7 });
    const databaseMs = endMs - random.between(0, 2500);
    scheduler.after(databaseMs, undefined, 'clickhouse recovers', () => database.recover());
  },
};

export const FAULTS: readonly Fault[] = [
  killProcess,
  leave,
  join,
  pauseProcess,
  killNats,
  pauseNats,
  cutLink,
  unheardWriter,
  databaseFails,
  lonelyWriter,
  staleWriter,
];

/** With these JetStream breaks its word; what it acknowledged may be lost, and nothing else. */
export const FAULTS_WITH_POWER_LOSS: readonly Fault[] = [...FAULTS, powerFails];

export function drawFault(random: Random, faults: readonly Fault[]): Fault {
  let at = random.next() * faults.reduce((sum, { weight }) => sum + weight, 0);
  return faults.find(({ weight }) => (at -= weight) < 0) ?? faults[0]!;
}
