import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Value } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import { retry } from '../dial/retry.ts';
import { isCode, reasonOf } from '../error.ts';
import { failPoint } from '../fault/fail-point.ts';
import { decodeClaim, encodeClaim } from './claim.ts';
import type { Claim } from './claim.ts';
import { NamesakeWatch } from './namesake-watch.ts';
import { unknownPart } from './part.ts';
import type { Part } from './part.ts';
import type { PartOwner } from './part-owner.ts';
import { decodePresence, encodePresence } from './presence.ts';
import { shareOut } from './rendezvous.ts';
import type { Spread } from './rendezvous.ts';
import { Roster } from './roster.ts';

export interface MembershipOptions {
  /** Such as `writer`; a subject token. */
  readonly role: string;
  /** Who we are, for people. */
  readonly name: string;
  /** What we are able to own; subject tokens. */
  readonly parts: readonly string[];
  readonly spread: Spread;
  readonly owner: PartOwner;
}

export interface MembershipCounters {
  claims: number;
  /** Claims that another member was quicker with. */
  lostRaces: number;
  /** Parts that were given to a member that should have them. */
  moved: number;
  /** Parts that were taken from us. */
  lost: number;
}

const TICK_MS = 1000;
/** How long who is there already has to answer when we come. */
const ANSWER_MS = 150;
/** After giving up a part that it could not work on a member lets others try first. */
const GIVEN_UP_TICKS = 3;

/**
 * Who owns what, among any number of members of a role that come and go. Members announce themselves every
 * second on NATS; rendezvous hashing over those that live says who should own a part; who should
 * takes it by compare-and-set, under an epoch above the one before, once it is free: never owned,
 * given up, or its owner is gone. Who should not gives it up.
 *
 * Two members may see different members for a while. That decides only how soon a part changes hands, never
 * whether two own it: of two claims one wins the compare-and-set, and agents, ledgers and logs refuse
 * what comes under a lower epoch.
 *
 * An epoch is at least the wall clock in milliseconds, for one reason: agents outlive a JetStream that
 * lost its data, and would refuse epochs that begin at 1 again. Between claims only the
 * compare-and-set counts, never a clock.
 */
export class Membership {
  readonly counters: MembershipCounters = { claims: 0, lostRaces: 0, moved: 0, lost: 0 };
  readonly id = randomBytes(8).toString('hex');
  readonly #bus: Bus;
  readonly #options: MembershipOptions;
  readonly #startedMs = Date.now();
  readonly #roster = new Roster();
  readonly #namesakes: NamesakeWatch;
  readonly #parts = new Map<string, Part>();
  readonly #stop = new AbortController();
  readonly #working = new Set<Promise<void>>();
  readonly #ready = Promise.withResolvers<void>();
  #ticks = 0;
  #isLeaving = false;
  #isReady = false;
  #isReconcileDue = false;

  constructor(bus: Bus, options: MembershipOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#namesakes = new NamesakeWatch(bus.log, options);
    for (const part of options.parts) this.#parts.set(part, unknownPart());
  }

  get role(): string {
    return this.#options.role;
  }

  /** Members of the role that are heard, ourselves included. */
  get members(): number {
    return this.#roster.size + 1;
  }

  /** Resolves once we take part, and own what was free to be taken. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** The parts we own, each with its epoch. */
  get owned(): Map<string, number> {
    const owned = new Map<string, number>();
    for (const [name, { state, epoch }] of this.#parts)
      if (state === 'owned') owned.set(name, epoch);
    return owned;
  }

  /** Whether another member lives and stays: somebody who can go on with what we give up. */
  get hasSuccessor(): boolean {
    return this.#roster.staying.length > 0;
  }

  /**
   * Takes part until `leave`.
   *
   * @throws RollcallError `stream_replaced` when JetStream lost the claims; the process has to begin anew
   */
  async run(): Promise<void> {
    const createdMs = await this.#stateCreatedMs();
    if (createdMs === undefined) return;
    const presences = this.#bus.connection.subscribe(this.#aliveSubject('*'), {
      callback: (_error, message) => this.#onPresence(message.data),
    });
    const claims = new StreamReader(this.#bus, {
      stream: this.#bus.topology.stateStream,
      createdMs,
      subject: `${this.#claimSubject()}.>`,
      from: 'last_per_subject',
    });
    const forget = this.#bus.onReconnect(() => this.#onReconnect());
    let ticker: NodeJS.Timeout | undefined;
    try {
      const followed = this.#follow(claims);
      await Promise.race([claims.caughtUp, followed]);
      this.#ask();
      await sleep(ANSWER_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      this.#isReady = true;
      ticker = setInterval(() => this.#tick(), TICK_MS);
      this.#announce();
      this.#reconcile();
      // Every claim that could be made at once has been tried.
      await Promise.all(this.#working);
      this.#ready.resolve();
      await followed;
    } finally {
      clearInterval(ticker);
      forget();
      claims.stop();
      presences.unsubscribe();
    }
  }

  /** When the stream of claims was made: one that is made anew knows nothing of ours. Undefined if we leave first. */
  async #stateCreatedMs(): Promise<number | undefined> {
    const { stateStream } = this.#bus.topology;
    const info = await retry(() => this.#bus.streamInfo(stateStream), {
      signal: this.#stop.signal,
      pauseMsMin: 100,
      pauseMsMax: 1000,
      onRetry: (error) => {
        this.#bus.log.warn({ reason: reasonOf(error) }, `cannot look at ${stateStream} yet`);
      },
    }).catch(() => undefined);
    return info === undefined ? undefined : Date.parse(info.created);
  }

  /** Gives every part up, in order, and takes part no longer. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    if (this.#isReady) {
      // Who stays works out the new shares while we end our work.
      this.#announce();
      this.#reconcile();
      while (this.#working.size > 0) await Promise.allSettled(this.#working);
    }
    this.#stop.abort();
  }

  #giveUp(name: string, part: Part, epoch: number): void {
    if (part.state !== 'owned' || part.epoch !== epoch) return;
    part.notBefore = this.#ticks + GIVEN_UP_TICKS;
    this.#work(this.#surrender(name, part));
  }

  #tick(): void {
    this.#ticks += 1;
    // Nobody is heard without a connection, and nothing can be claimed.
    if (!this.#bus.isConnected) return;
    this.#announce();
    this.#roster.tick();
    this.#reconcile();
  }

  #onReconnect(): void {
    this.#roster.restart();
    this.#ask();
  }

  #onPresence(data: Uint8Array): void {
    // An empty message asks who is there.
    if (data.length === 0) {
      if (this.#isReady) this.#announce();
      return;
    }
    const said = decodePresence(data);
    if (said === undefined || said.id === this.id) return;
    this.#namesakes.hear(said);
    if (this.#roster.hear(said)) this.#reconcile();
  }

  async #follow(claims: StreamReader): Promise<void> {
    this.#stop.signal.addEventListener('abort', () => claims.stop(), { once: true });
    const prefix = `${this.#claimSubject()}.`;
    for await (const { seq, subject, data } of claims) {
      const name = subject.slice(prefix.length);
      const part = this.#parts.get(name);
      if (part === undefined || seq <= part.seq) continue;
      this.#onClaim(name, part, { seq, data });
    }
  }

  #onClaim(name: string, part: Part, { seq, data }: Value): void {
    part.claim = this.#decoded(name, data);
    part.seq = seq;
    if (part.claim?.member !== this.id) this.#onOthersClaim(name, part);
    // What is free may be ours to take; there may be many at once.
    if (part.claim?.isReleased !== false) this.#reconcileSoon();
  }

  /** What is no claim is nobody's: the next claim displaces it. */
  #decoded(name: string, data: Uint8Array): Claim | undefined {
    try {
      return decodeClaim(data);
    } catch (error) {
      if (!isCode(error, 'bad_claim')) throw error;
      this.#bus.log.error(
        { subject: this.#claimSubject(name), reason: reasonOf(error) },
        'somebody else, or another version of Rollcall, writes on the subject of a claim: end that',
      );
      return undefined;
    }
  }

  /** Somebody was quicker: what has he written? We may hear it only later. */
  async #readAgain(name: string, part: Part): Promise<void> {
    const { stateStream } = this.#bus.topology;
    const last = await this.#bus.last(stateStream, this.#claimSubject(name)).catch(() => undefined);
    if (last !== undefined && last.seq > part.seq) this.#onClaim(name, part, last);
  }

  #onOthersClaim(name: string, part: Part): void {
    if (part.state === 'ended') part.state = 'idle';
    if (part.state !== 'owned') return;
    this.counters.lost += 1;
    part.state = 'ending';
    const { role } = this.#options;
    this.#bus.log.warn({ role, part: name, owner: part.claim?.name }, 'another member has it now');
    this.#work(this.#lose(name, part));
  }

  #reconcileSoon(): void {
    if (this.#isReconcileDue) return;
    this.#isReconcileDue = true;
    setImmediate(() => {
      this.#isReconcileDue = false;
      this.#reconcile();
    });
  }

  /** Takes what we should own and is free; gives up what we should not. */
  #reconcile(): void {
    if (!this.#isReady || !this.#bus.isConnected || this.#stop.signal.aborted) return;
    const { parts, spread } = this.#options;
    const self = this.#isLeaving ? [] : [{ id: this.id, offers: parts }];
    const owners = shareOut([...self, ...this.#roster.staying], spread);
    for (const [name, part] of this.#parts) {
      const isOurs = owners.get(name) === this.id;
      if (part.state === 'owned' && !isOurs) this.#work(this.#surrender(name, part));
      else if (part.state === 'ended') this.#work(this.#release(name, part));
      else if (part.state === 'idle' && !isOurs && this.#isClaimedByUs(part)) {
        // A claim that we were told had failed: whoever should have the part waits for us.
        part.epoch = part.claim!.epoch;
        this.#work(this.#release(name, part));
      } else if (part.state === 'idle' && isOurs && this.#isFree(part)) {
        this.#work(this.#claim(name, part));
      }
    }
  }

  #isClaimedByUs({ claim }: Part): boolean {
    return claim?.member === this.id && !claim.isReleased;
  }

  #isFree({ claim, notBefore }: Part): boolean {
    if (notBefore > this.#ticks) return false;
    if (claim === undefined || claim.isReleased) return true;
    // Our own: written although we were told that it failed.
    return claim.member === this.id || this.#roster.isGone(claim.member);
  }

  async #claim(name: string, part: Part): Promise<void> {
    part.state = 'claiming';
    const epoch = Math.max(Date.now(), (part.claim?.epoch ?? 0) + 1);
    try {
      const seq = await this.#write(name, part.seq, epoch, false);
      failPoint('membership.claimed');
      // Its successor's claim may have been heard before the answer to ours.
      if (part.seq > seq) {
        part.state = 'idle';
        return;
      }
      part.seq = seq;
      part.claim = { member: this.id, name: this.#options.name, epoch, isReleased: false };
      part.epoch = epoch;
      part.state = 'owned';
      this.counters.claims += 1;
      this.#options.owner.take(name, epoch, () => this.#giveUp(name, part, epoch));
      if (this.#isLeaving) this.#work(this.#surrender(name, part));
      // Meanwhile somebody may have come who should have it.
      else this.#reconcileSoon();
    } catch (error) {
      if (isCode(error, 'stale')) {
        this.counters.lostRaces += 1;
        await this.#readAgain(name, part);
      } else this.#logFailure(name, 'cannot claim it yet', error);
      part.state = 'idle';
    }
  }

  async #surrender(name: string, part: Part): Promise<void> {
    part.state = 'ending';
    this.counters.moved += 1;
    await this.#options.owner.drop(name, 'moved');
    part.state = part.claim?.member === this.id ? 'ended' : 'idle';
    if (part.state === 'ended') await this.#release(name, part);
  }

  async #lose(name: string, part: Part): Promise<void> {
    await this.#options.owner.drop(name, 'lost');
    part.state = 'idle';
    this.#reconcileSoon();
  }

  async #release(name: string, part: Part): Promise<void> {
    part.state = 'ending';
    try {
      const seq = await this.#write(name, part.seq, part.epoch, true);
      failPoint('membership.released');
      if (seq > part.seq) {
        part.seq = seq;
        part.claim = { ...part.claim!, isReleased: true };
      }
      part.state = 'idle';
    } catch (error) {
      const isStale = isCode(error, 'stale');
      if (isStale) await this.#readAgain(name, part);
      // Meanwhile somebody else may have claimed it, and ours would come after his.
      part.state = isStale || part.claim?.member !== this.id ? 'idle' : 'ended';
      if (!isStale) this.#logFailure(name, 'cannot release it yet', error);
    }
  }

  #write(name: string, lastSeq: number, epoch: number, isReleased: boolean): Promise<number> {
    const claim = { member: this.id, name: this.#options.name, epoch, isReleased };
    return this.#bus.publish(this.#claimSubject(name), encodeClaim(claim), { lastSeq });
  }

  #work(task: Promise<void>): void {
    const { role } = this.#options;
    const guarded = task
      .catch((error: unknown) =>
        this.#bus.log.error({ role, reason: reasonOf(error) }, 'hand-over'),
      )
      .finally(() => this.#working.delete(guarded));
    this.#working.add(guarded);
  }

  #ask(): void {
    if (this.#bus.isConnected) this.#bus.connection.publish(this.#aliveSubject('ask'));
  }

  #announce(): void {
    if (!this.#bus.isConnected) return;
    const { name, parts } = this.#options;
    const said = encodePresence({
      id: this.id,
      name,
      startedMs: this.#startedMs,
      offers: parts,
      owns: this.owned.size,
      isLeaving: this.#isLeaving,
    });
    this.#bus.connection.publish(this.#aliveSubject(this.id), said);
  }

  #logFailure(part: string, what: string, error: unknown): void {
    const { role } = this.#options;
    this.#bus.log.warn({ role, part, reason: reasonOf(error) }, what);
  }

  #aliveSubject(member: string): string {
    return `${this.#bus.topology.fleet}.alive.${this.#options.role}.${member}`;
  }

  #claimSubject(...part: readonly string[]): string {
    return this.#bus.topology.stateSubject('owner', this.#options.role, ...part);
  }
}
