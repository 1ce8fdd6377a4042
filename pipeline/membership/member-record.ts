import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import type { StreamMessage } from '../bus/stream-reader.ts';
import { Backoff } from '../dial/backoff.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode, reasonOf } from '../error.ts';
import type { Store } from '../store/store.ts';
import { putSelfTargets, removeSilentSelfTargets, selfInstance } from '../targets/self-target.ts';
import { ReadMetrics } from '../telemetry/read-metrics.ts';
import { decodeClaim } from './claim.ts';
import { FleetRoster } from './fleet-roster.ts';
import type { PlacedClaim } from './fleet-roster.ts';
import { MemberQueue } from './member-queue.ts';
import { decodePresence } from './presence.ts';
import type { Presence } from './presence.ts';

const WRITE_EVERY_MS = 2000;
const TICK_MS = 1000;
/** Processes that are stopped together hear of it within so long. */
const FAREWELL_MS = 200;
const LAST_WRITE_MS_MAX = 1000;
const SWEEP_EVERY_MS = 60_000;
/** Well within the time to live of a row of `ownership`. */
const RENEW_EVERY_MS = 86_400_000;
const RETRY_MS_MIN = 100;
const RETRY_MS_MAX = 5000;
const ROLE_LENGTH_MAX = 32;
const NAME_LENGTH_MAX = 64;
const OFFERS_MAX = 1024;

export interface MemberRecordCounters {
  /** Rows written into `members` and `ownership`. */
  rows: number;
  inserts: number;
  /** Attempts that failed and were made again. */
  retries: number;
  /** Presences and claims that could not be understood, or for which there was no room. */
  refused: number;
}

/**
 * Writes down who takes part and who owns what: presences of all roles become rows of `members`, claims
 * rows of `ownership`, and each component heard becomes a target of its own, for its reports. It
 * also knows, without ClickHouse, which parts nobody owns.
 *
 * Everything written may be written again: whoever takes the work over begins with the claims that are in
 * force. While ClickHouse is away rows wait, in queues with caps.
 */
export class MemberRecord {
  readonly counters: MemberRecordCounters = { rows: 0, inserts: 0, retries: 0, refused: 0 };
  readonly #bus: Bus;
  readonly #store: Store;
  readonly #log: Logger;
  #roster = new FleetRoster();
  #queue = new MemberQueue();
  /** Instances that are targets, as far as we know. */
  #known = new Set<string>();
  #dropped = 0;
  #sweptMs = -Infinity;
  #renewedMs = 0;
  /** Every claim in force has been read. */
  #isCaughtUp = false;

  constructor(parts: { bus: Bus; store: Store; log: Logger }) {
    this.#bus = parts.bus;
    this.#store = parts.store;
    this.#log = parts.log;
  }

  /** Rows that a full queue dropped. */
  get droppedTotal(): number {
    return this.#dropped + this.#queue.droppedTotal;
  }

  /** Parts that nobody owns, by role; empty until that is known, and while `run` does not run. */
  get unowned(): ReadonlyMap<string, number> {
    return this.#isCaughtUp ? this.#roster.unowned : new Map();
  }

  /** Once a process; the gauges have series only while `run` runs. */
  register(registry: Registry): void {
    const metrics = new ReadMetrics(registry);
    metrics.gauges(
      'rollcall_parts_unowned',
      'Parts (shards, lanes, receivers) of the role that nobody works on.',
      'role',
      () => this.unowned,
    );
    metrics.gauges(
      'rollcall_fleet_members',
      'Members of the role that are heard.',
      'role',
      () => this.#roster.members,
    );
    metrics.gauge('rollcall_member_record_queue_rows', 'Rows not in ClickHouse yet.', () => {
      return this.#queue.size;
    });
    metrics.counter('rollcall_member_record_rows_total', 'Rows written.', () => this.counters.rows);
    metrics.counter('rollcall_member_record_retries_total', 'Writes made again.', () => {
      return this.counters.retries;
    });
    metrics.counter('rollcall_member_record_dropped_total', 'Rows the full queue dropped.', () => {
      return this.droppedTotal;
    });
    metrics.counter(
      'rollcall_member_record_refused_total',
      'Presences and claims not understood, or one too many.',
      () => this.counters.refused,
    );
  }

  /** Hears and writes until aborted; may be run again afterwards. */
  async run(signal: AbortSignal): Promise<void> {
    this.#forget();
    const presences = this.#bus.connection.subscribe(`${this.#bus.topology.fleet}.alive.*.*`, {
      callback: (_error, message) => this.#onPresence(message.subject, message.data),
    });
    const forgetReconnect = this.#bus.onReconnect(() => this.#roster.restart());
    // Nobody is heard without a connection.
    const ticker = setInterval(() => {
      if (this.#bus.isConnected) this.#roster.tick();
    }, TICK_MS);
    try {
      await Promise.all([this.#followClaims(signal), this.#writeForEver(signal)]);
      await this.#writeLast();
    } finally {
      clearInterval(ticker);
      forgetReconnect();
      presences.unsubscribe();
      this.#forget();
    }
  }

  #forget(): void {
    this.#dropped += this.#queue.droppedTotal;
    this.#roster = new FleetRoster();
    this.#queue = new MemberQueue();
    this.#known = new Set();
    this.#isCaughtUp = false;
    this.#sweptMs = -Infinity;
    this.#renewedMs = performance.now();
  }

  #onPresence(subject: string, data: Uint8Array): void {
    // An empty message asks who is there.
    if (data.length === 0) return;
    const [, , role = '', id] = subject.split('.');
    const said = decodePresence(data);
    const isGood = said !== undefined && said.id === id && isReasonable(role, said);
    if (isGood && this.#roster.hear(role, said)) this.#queue.hear(role, said);
    else this.counters.refused += 1;
  }

  async #followClaims(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const reader = new StreamReader(this.#bus, {
        stream: this.#bus.topology.stateStream,
        subject: `${this.#bus.topology.stateSubject('owner')}.>`,
        from: 'last_per_subject',
      });
      const stop = (): void => reader.stop();
      signal.addEventListener('abort', stop, { once: true });
      void reader.caughtUp.then(() => (this.#isCaughtUp = !signal.aborted));
      try {
        for await (const message of reader) this.#onClaim(message);
      } catch (error) {
        // The claims of the new stream have higher epochs: they are simply newer.
        if (!isCode(error, 'stream_replaced')) throw error;
        this.#log.warn('the claims were made anew');
      } finally {
        signal.removeEventListener('abort', stop);
      }
    }
  }

  #onClaim({ seq, subject, data, storedMs }: StreamMessage): void {
    const [, , , role, part, ...rest] = subject.split('.');
    if (role === undefined || part === undefined || rest.length > 0) return;
    try {
      const claim = decodeClaim(data);
      const placed = { role, part, revision: seq, madeAtMs: storedMs, claim };
      this.#roster.claim(placed);
      this.#queue.claim(placed);
    } catch (error) {
      this.counters.refused += 1;
      this.#log.error({ subject, reason: reasonOf(error) }, 'claim skipped');
    }
  }

  async #writeForEver(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(RETRY_MS_MIN, RETRY_MS_MAX);
    let pauseMs = WRITE_EVERY_MS;
    for (;;) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        // It may hang in ClickHouse for longer than whoever takes over should wait.
        await untilAborted(this.#write(), signal);
        backoff.reset();
        pauseMs = WRITE_EVERY_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.counters.retries += 1;
        pauseMs = WRITE_EVERY_MS / 2 + backoff.nextMs();
        this.#log.warn({ reason: reasonOf(error) }, 'cannot record the members; trying again');
      }
    }
  }

  /** Who leaves together with us, ourselves among them, has just said so: nobody may be left to write it. */
  async #writeLast(): Promise<void> {
    await sleep(FAREWELL_MS);
    const written = this.#bus.connection.flush().then(() => {
      return this.#insert('members', this.#queue.members().rows);
    });
    await untilAborted(written, AbortSignal.timeout(LAST_WRITE_MS_MAX)).catch((error: unknown) => {
      this.#log.warn({ reason: reasonOf(error) }, 'cannot record who left');
    });
  }

  async #write(): Promise<void> {
    const members = this.#queue.members();
    await this.#insert('members', members.rows);
    members.written();
    await this.#writeClaims();
    await this.#writeTargets(members.names);
  }

  async #writeClaims(): Promise<void> {
    const isDue = performance.now() - this.#renewedMs > RENEW_EVERY_MS;
    if (this.#queue.takeDropped() || isDue) {
      this.#renewedMs = performance.now();
      for (const placed of this.#roster.claims) this.#queue.claim(placed);
    }
    const { claims, written } = this.#queue.claims();
    if (claims.length === 0) return;
    await this.#insert('ownership', claims.map(claimRow));
    written();
  }

  async #writeTargets(names: readonly { role: string; name: string }[]): Promise<void> {
    const isNew = names.filter((one) => !this.#known.has(selfInstance(one)));
    const fresh = new Map(isNew.map((one) => [selfInstance(one), one]));
    if (fresh.size > 0) {
      await putSelfTargets(this.#store, [...fresh.values()]);
      for (const instance of fresh.keys()) this.#known.add(instance);
    }
    if (performance.now() - this.#sweptMs < SWEEP_EVERY_MS) return;
    const removed = await removeSilentSelfTargets(this.#store);
    if (removed.length > 0) this.#log.info({ removed }, 'components not heard for an hour');
    // Somebody may have removed one that is heard: it is put again.
    this.#known.clear();
    this.#sweptMs = performance.now();
  }

  async #insert(table: string, rows: readonly object[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#store.insertRows(table, rows);
    this.counters.inserts += 1;
    this.counters.rows += rows.length;
  }
}

/** A name that cannot be a target's must not hold up the others. */
function isReasonable(role: string, { name, offers }: Presence): boolean {
  const fits = role.length <= ROLE_LENGTH_MAX && name.length <= NAME_LENGTH_MAX;
  return fits && name !== '' && offers.length <= OFFERS_MAX;
}

function claimRow({ role, part, revision, madeAtMs, claim }: PlacedClaim): object {
  return {
    role,
    part,
    epoch: claim.epoch,
    revision,
    member: claim.member,
    name: claim.name,
    is_released: claim.isReleased,
    since: new Date(madeAtMs).toISOString(),
  };
}
