import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { listen } from '../pipeline/dial/listen.ts';
import type { Listener } from '../pipeline/dial/listen.ts';
import type { Address } from '../pipeline/dial/address.ts';
import type { TlsFiles } from '../pipeline/dial/tls-files.ts';
import type { Hello } from '../pipeline/wire/control.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import { FLEETS_MAX, FrameStore } from './frame-store.ts';
import { MalformedLog } from './malformed-log.ts';
import { SelfSource } from './self-source.ts';
import { SeriesTable } from './series-table.ts';
import { Session } from './session.ts';
import type { SessionHost } from './session.ts';
import { SourceSet } from './source-set.ts';
import type { SourceOpener } from './source-set.ts';
import { TargetEpochs } from './target-epochs.ts';
import { systemClock, TickClock } from './tick-clock.ts';
import type { Clock } from './tick-clock.ts';

export interface AgentOptions {
  /** Left out: it listens nowhere, `start` is not called, and every socket comes through `accept`. */
  readonly listen?: Address | undefined;
  readonly tls?: TlsFiles | undefined;
  readonly insecure: boolean;
  readonly sources: readonly SourceOpener[];
  /** Which metrics are wanted; all of them if left out. */
  readonly wants?: ((metric: string, source: string) => boolean) | undefined;
  readonly ringBytesMax: number;
  readonly seriesMax: number;
  /**
   * Where sources are read into; a table of its own if left out. Agents of one process whose sources say the
   * same series may share one: a frame is a copy. `wants` and `seriesMax` are then those of the table.
   */
  readonly table?: SeriesTable | undefined;
  readonly connectionsMax: number;
  readonly version: string;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** A reading younger than this is good enough for a scrape of the Prometheus text. */
const READING_FRESH_MS = 1000;
const TLS_REFRESH_MS = 10_000;
/** Longer than a session lingers, and less than the second that a service manager is promised. */
const STOP_MS_MAX = 700;

/**
 * The agent: reads its sources at each tick, keeps the frame for every fleet that is owed it, and serves
 * collectors that dial in. It never dials, and never ticks before it was asked to.
 */
export class Agent implements SessionHost {
  readonly store: FrameStore;
  readonly clock: Clock;
  readonly version: string;
  readonly table: SeriesTable;
  readonly ticker: TickClock;
  readonly self: SelfSource;
  readonly #options: AgentOptions;
  readonly #sources: SourceSet;
  readonly #sessions = new Map<string, Session>();
  readonly #open = new Set<Session>();
  /** Of each fleet. */
  readonly #epochs = new Map<string, TargetEpochs>();
  readonly #log: Logger;
  #listener: Listener | undefined;
  #tlsTimer: NodeJS.Timeout | undefined;
  #readingMs = -Infinity;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#log = options.log;
    this.clock = options.clock ?? systemClock;
    this.version = options.version;
    this.store = new FrameStore(options.ringBytesMax);
    this.table = options.table ?? this.#ownTable();
    this.ticker = new TickClock(() => this.tick(), this.clock);
    this.self = new SelfSource(this);
    this.#sources = new SourceSet([...options.sources, () => this.self]);
  }

  get sessionCount(): number {
    return this.#open.size;
  }

  /** Listens. @throws RollcallError `tls_required`, `listen_failed` */
  async start(): Promise<Address> {
    const { listen: address, tls } = this.#options;
    if (address === undefined) {
      throw new RollcallError('listen_failed', 'the agent was given no address to listen on');
    }
    this.#listener = await listen({
      address,
      tls,
      insecure: this.#options.insecure,
      connectionsMax: this.#options.connectionsMax,
      onConnection: (socket) => this.accept(socket),
      onRefused: (reason) => {
        this.self.refused();
        this.#log.warn({ reason }, 'connection refused');
      },
    });
    if (tls !== undefined) {
      this.#tlsTimer = setInterval(() => this.#refreshTls(tls), TLS_REFRESH_MS);
      this.#tlsTimer.unref();
    }
    return this.#listener.address;
  }

  async stop(): Promise<void> {
    this.ticker.stop();
    clearInterval(this.#tlsTimer);
    const closed = this.#listener?.close();
    for (const session of this.#open) session.close('shutting_down', 'the agent stops');
    this.#sources.close();
    // Somebody in the middle of a handshake must not hold it up.
    await Promise.race([closed, sleep(STOP_MS_MAX, undefined, { ref: false })]);
  }

  /** Serves a collector that has connected, over TLS or where that is not asked for. */
  accept(socket: Socket): void {
    this.#open.add(new Session(this, socket));
  }

  /** Reads every source into the table and keeps the result as a frame. */
  tick(): void {
    this.read();
    const timestampMs = this.ticker.stampMs();
    const seq = this.store.append(this.table, timestampMs, this.clock.monotonicMs());
    if (seq === undefined) return;
    for (const cursor of this.store.fleets) {
      if (!cursor.offer(seq, this.ticker.intervalMs)) continue;
      const session = this.#sessions.get(cursor.fleet);
      session?.sendLive(seq);
      session?.sendBacklog();
    }
    this.store.release();
  }

  /** Brings the table up to date unless it just was; a scrape must not cost twice. */
  readIfStale(): void {
    if (this.clock.monotonicMs() - this.#readingMs >= READING_FRESH_MS) this.read();
  }

  read(): void {
    const startMs = this.clock.monotonicMs();
    this.#sources.read(this.table);
    this.#readingMs = this.clock.monotonicMs();
    this.self.tickTook(this.#readingMs - startMs);
  }

  admit(session: Session, hello: Hello): void {
    const { fleet, target, epoch } = hello;
    const known = this.#epochs.get(fleet);
    if (known === undefined && this.#epochs.size >= FLEETS_MAX) {
      throw new RollcallError('fleet_refused', `this agent already serves ${FLEETS_MAX} fleets`);
    }
    const present = this.#sessions.get(fleet);
    const holder = present?.hello;
    if (holder !== undefined && holder.target !== target) {
      throw new RollcallError(
        'address_taken',
        `this agent is already watched as ${nameOf(holder)}, and not as ${nameOf(hello)}: ` +
          'two targets have one address, remove one of them',
      );
    }
    const epochs = known ?? new TargetEpochs();
    const seen = epochs.highestOf(target);
    if (seen !== undefined && epoch < seen) {
      throw new RollcallError(
        'stale_epoch',
        `epoch ${epoch} of fleet ${fleet} is over: ${seen} has been seen`,
      );
    }
    epochs.raise(target, epoch);
    this.#epochs.set(fleet, epochs);
    present?.close('superseded', 'a newer connection of the fleet took over');
    this.#sessions.set(fleet, session);
  }

  subscribed(session: Session): void {
    const { intervalMs, phaseMs } = session.subscription!;
    const { fleet, instance } = session.hello!;
    this.#log.info({ fleet, instance, intervalMs, phaseMs }, 'collector subscribed');
    const cursors = [...this.store.fleets];
    const shortestMs = Math.min(...cursors.map((cursor) => cursor.intervalMs));
    const shortest = cursors.filter((cursor) => cursor.intervalMs === shortestMs);
    // Of several fleets with the same interval the first to come chose the phase, and it stays.
    if (this.ticker.intervalMs === shortestMs) {
      if (shortest.some((cursor) => cursor.phaseMs === this.ticker.phaseMs)) return;
    }
    this.ticker.follow(shortestMs, shortest[0]!.phaseMs);
  }

  ended(session: Session, code: string, reason: string): void {
    this.#open.delete(session);
    if (this.#sessions.get(session.fleet) === session) this.#sessions.delete(session.fleet);
    this.self.ended(code);
    this.#log.info({ fleet: session.fleet, code, reason }, 'connection ended');
  }

  #ownTable(): SeriesTable {
    const { seriesMax, wants } = this.#options;
    const malformed = new MalformedLog(this.#log, this.clock);
    return new SeriesTable({
      seriesMax,
      wants,
      onMalformed: (source, detail) => malformed.report(source, detail),
      onRefused: (source, series) => {
        this.#log.warn(
          { source, series, seriesMax },
          'no room for further series of this source: raise agent.series_max or exclude some',
        );
      },
    });
  }

  #refreshTls(tls: TlsFiles): void {
    try {
      if (!tls.refresh()) return;
      this.#listener?.renewTls();
      this.#log.info('TLS certificates reloaded');
    } catch (error) {
      this.#log.error({ reason: reasonOf(error) }, 'TLS certificates could not be reloaded');
    }
  }
}

/** A target as a person knows it, as far as its collector said. */
function nameOf({ instance, target }: Hello): string {
  return instance || target || 'a target without a name';
}
