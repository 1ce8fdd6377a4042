import type { Store } from '../../pipeline/store/store.ts';
import type { Config } from '../config/settings.ts';
import type { AlertLine, NotificationLine, QueueDepth } from '../up/snapshot.ts';
import { readDatabase } from './database-state.ts';
import type { DatabaseState } from './database-state.ts';
import type { Figures } from './figures.ts';
import type { Membership } from './members.ts';
import { natsAnswers } from './nats-probe.ts';
import { Scrape } from './scrape.ts';
import { StoredFigures } from './stored-figures.ts';

/** The state of the road, as its processes and the database tell it. */
export interface Overview extends Membership {
  /** Names of what does not answer, as `rollcall up` names them. */
  readonly silent: readonly string[];
  /** Whether members, moves and alerts are known: the database answers as it should. */
  readonly hasDatabase: boolean;
  /** What answers, but not as it should: name and reason. */
  readonly faults: readonly string[];
  readonly targetsUp: number | undefined;
  readonly targetsDown: number | undefined;
  /** The first of those that are down. */
  readonly down: readonly string[];
  readonly samplesInPerSecond: number | undefined;
  readonly samplesStoredPerSecond: number | undefined;
  readonly freshnessSeconds: number | undefined;
  readonly queues: readonly QueueDepth[];
  readonly alerts: readonly AlertLine[];
  readonly notifications: readonly NotificationLine[];
}

export type OverviewConfig = Pick<
  Config,
  'nats' | 'collector' | 'writer' | 'alerter' | 'clickhouse' | 'general'
>;

type Role = 'collector' | 'writer' | 'alerter';

interface Totals {
  readonly atMs: number;
  readonly samplesIn: number | undefined;
  readonly samplesStored: number | undefined;
}

const ADDRESS_TAKEN = 'rollcall_collector_targets_address_taken';
const SAMPLES_IN = 'rollcall_collector_samples_total';
const SAMPLES_STORED = 'rollcall_writer_samples_total';
const UP = 'rollcall_collector_targets_up';
const ASSIGNED = 'rollcall_collector_targets_assigned';
const IN_FLIGHT = 'rollcall_collector_publish_in_flight_bytes';
const IN_FLIGHT_MAX = 'rollcall_collector_publish_in_flight_max_bytes';
const BUFFER = 'rollcall_writer_buffer_bytes';
const BUFFER_MAX = 'rollcall_writer_buffer_max_bytes';
const WRITER_LAG = 'rollcall_writer_lag_messages';
const LANE_BYTES = 'rollcall_stream_bytes';
const LANE_BYTES_MAX = 'rollcall_stream_bytes_max';
const ALERTER_LAG = 'rollcall_alerter_lag_messages';
const PAGES_WAITING = 'rollcall_alerter_delivery_lag_records';

/** Of each role: what it reports if it reports anything. */
const REPORTED: Readonly<Record<Role, string>> = {
  collector: UP,
  writer: SAMPLES_STORED,
  alerter: 'rollcall_alerter_frames_total',
};
const FIGURES: readonly string[] = [
  REPORTED.alerter,
  ADDRESS_TAKEN,
  SAMPLES_IN,
  SAMPLES_STORED,
  UP,
  ASSIGNED,
  IN_FLIGHT,
  IN_FLIGHT_MAX,
  BUFFER,
  BUFFER_MAX,
  WRITER_LAG,
  LANE_BYTES,
  LANE_BYTES_MAX,
  ALERTER_LAG,
  PAGES_WAITING,
];

/** Targets speak every few seconds: over a shorter time rates would jump. */
const RATE_OVER_MS = 60_000;
const RATE_OVER_MS_MIN = 4900;

/** Takes overviews; rates are over the last minute, or as long as it has been looking. */
export class OverviewTaker {
  readonly #config: OverviewConfig;
  readonly #store: Store;
  readonly #history: Totals[] = [];

  constructor(config: OverviewConfig, store: Store) {
    this.#config = config;
    this.#store = store;
  }

  /**
   * Figures are what the members of the whole fleet have stored about themselves; of a role that has not
   * done so lately, what answers at the address in the settings says.
   *
   * Never throws: what cannot be had is undefined or empty.
   */
  async take(): Promise<Overview> {
    const { collector: c, writer: w, alerter: a, nats } = this.#config;
    const [collector, writer, alerter, natsServer, stored, answer] = await Promise.all([
      Scrape.of(c.metricsListen),
      Scrape.of(w.metricsListen),
      Scrape.of(a.metricsListen),
      natsAnswers(nats.servers),
      StoredFigures.read(this.#store, FIGURES).catch(() => undefined),
      readDatabase(this.#store),
    ]);
    const database = answer === undefined || 'fault' in answer ? undefined : answer;
    const scraped = { collector, writer, alerter };
    const of = (role: Role): Figures | undefined =>
      stored?.sum(REPORTED[role]) === undefined ? scraped[role] : stored;
    const rates = this.#rates({
      atMs: performance.now(),
      samplesIn: collector?.sum(SAMPLES_IN),
      samplesStored: writer?.sum(SAMPLES_STORED),
    });
    const up = of('collector')?.sum(UP);
    const all = of('collector')?.sum(ASSIGNED);
    const refused = of('collector')?.sum(ADDRESS_TAKEN) ?? 0;
    const isSilent = (role: Role): boolean => of(role) === undefined && !lives(database, role);
    return {
      silent: [
        ...(natsServer ? [] : ['nats-server']),
        ...(answer === undefined ? ['clickhouse'] : []),
        ...(['writer', 'alerter', 'collector'] as const).filter(isSilent),
      ],
      faults: [
        ...(answer !== undefined && 'fault' in answer ? [`clickhouse: ${answer.fault}`] : []),
        ...(refused > 0 ? [addressTaken(refused)] : []),
      ],
      hasDatabase: database !== undefined,
      targetsUp: up,
      targetsDown: up === undefined || all === undefined ? undefined : Math.max(0, all - up),
      down: database === undefined ? [] : downOf(database, all, up),
      samplesInPerSecond: stored?.rate(SAMPLES_IN) ?? rates.samplesInPerSecond,
      samplesStoredPerSecond: stored?.rate(SAMPLES_STORED) ?? rates.samplesStoredPerSecond,
      freshnessSeconds: database?.freshnessSeconds,
      queues: this.#queues(of, stored),
      alerts: database?.alerts ?? [],
      notifications: database?.notifications ?? [],
      members: database?.members ?? [],
      gaps: database?.gaps ?? [],
      moves: database?.moves ?? [],
    };
  }

  #rates(now: Totals): Pick<Overview, 'samplesInPerSecond' | 'samplesStoredPerSecond'> {
    const history = this.#history;
    history.push(now);
    while (history.length > 2 && now.atMs - history[0]!.atMs > RATE_OVER_MS) history.shift();
    const isLong = now.atMs - history[0]!.atMs >= RATE_OVER_MS_MIN;
    const before = isLong ? history[0] : undefined;
    const rate = (later?: number, earlier?: number): number | undefined => {
      if (before === undefined || later === undefined || earlier === undefined) return undefined;
      // A restarted process counts from 0 again.
      return Math.max(0, later - earlier) / ((now.atMs - before.atMs) / 1000);
    };
    return {
      samplesInPerSecond: rate(now.samplesIn, before?.samplesIn),
      samplesStoredPerSecond: rate(now.samplesStored, before?.samplesStored),
    };
  }

  #queues(of: (role: Role) => Figures | undefined, stored?: Figures): QueueDepth[] {
    const { collector: c, writer: w, nats } = this.#config;
    const [collector, writer, alerter] = [of('collector'), of('writer'), of('alerter')];
    return [
      {
        name: 'unacknowledged',
        unit: 'bytes',
        value: collector?.sum(IN_FLIGHT),
        max: collector?.sum(IN_FLIGHT_MAX) ?? c.publishBytesInFlightMax,
      },
      {
        name: 'in NATS',
        unit: 'bytes',
        value: stored?.sum(LANE_BYTES) ?? writer?.sum(LANE_BYTES),
        max: stored?.sum(LANE_BYTES_MAX) ?? writer?.sum(LANE_BYTES_MAX),
      },
      {
        name: 'not stored',
        unit: 'bytes',
        value: writer?.sum(BUFFER),
        max: writer?.sum(BUFFER_MAX) ?? w.bufferBytesMax * nats.lanes,
      },
      count('writer lag', writer?.sum(WRITER_LAG)),
      count('alerter lag', alerter?.sum(ALERTER_LAG)),
      count('pages waiting', alerter?.sum(PAGES_WAITING)),
    ];
  }
}

/** Those that are said to be down, and if there are more, some of which nothing is said. */
function downOf({ down, unheard }: DatabaseState, all = 0, up = 0): string[] {
  return [...down, ...unheard.slice(0, Math.max(0, all - up - down.length))];
}

function lives(database: DatabaseState | undefined, role: Role): boolean {
  return database?.members.some((one) => one.role === role && one.state === 'alive') === true;
}

function count(name: string, value: number | undefined): QueueDepth {
  return { name, unit: 'count', value, max: undefined };
}

function addressTaken(targets: number): string {
  return (
    `${targets} target${targets === 1 ? ' is' : 's are'} refused because another one has the address: ` +
    '"rollcall targets list" and the log of the collector say which; remove one of each two'
  );
}
