import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf, RollcallError } from '../error.ts';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';

export interface OwnershipOptions {
  /** What is owned, such as `writer`; a subject token. */
  readonly role: string;
  /** Who we are, for people. */
  readonly holder: string;
  /** An owner unheard of for this long is dead. */
  readonly silenceMs?: number;
}

interface Claim {
  readonly holder: string;
  readonly epoch: number;
  readonly run: string;
  readonly released: boolean;
}

const HEARTBEAT_MS = 1000;
const SILENCE_MS = 3000;

/**
 * At most one process at a time has a role. A claim is a compare-and-set on a compacted subject with an
 * epoch above the one before; whoever has a lower one is refused by agents and intents. The owner is
 * heard every second; others stand by until it has been silent (by their own monotonic clock) or has
 * released the role.
 *
 * An epoch is at least the wall clock in milliseconds, for one reason: agents outlive a JetStream that
 * lost its data, and would refuse epochs that begin at 1 again. Between living claims only the
 * compare-and-set counts, never a clock.
 */
export class Ownership {
  readonly #bus: Bus;
  readonly #options: OwnershipOptions;
  readonly #run = randomBytes(8).toString('hex');
  readonly #lost = Promise.withResolvers<string>();
  #epoch = 0;
  #claimSeq = 0;
  #heartbeat: NodeJS.Timeout | undefined;
  #watch: StreamReader | undefined;

  constructor(bus: Bus, options: OwnershipOptions) {
    this.#bus = bus;
    this.#options = options;
  }

  /** 0 before `acquire`. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Resolves, with the new holder's name, when somebody else has taken the role. */
  get lost(): Promise<string> {
    return this.#lost.promise;
  }

  /** Waits until the role is free and takes it. Returns the epoch. */
  async acquire(signal: AbortSignal): Promise<number> {
    let standingBy = false;
    for (;;) {
      signal.throwIfAborted();
      // Heard from before the claim is read: what is said after that is not missed.
      const heard = Promise.withResolvers<boolean>();
      const subscription = this.#bus.connection.subscribe(this.#aliveSubject, {
        max: 1,
        callback: () => heard.resolve(false),
      });
      try {
        const { claim, seq } = await this.#currentClaim();
        if (claim !== undefined && !claim.released && !standingBy) {
          standingBy = true;
          const { role } = this.#options;
          this.#bus.log.info({ role, owner: claim.holder }, 'standing by');
        }
        const isFree = claim === undefined || claim.released;
        if (isFree || (await this.#isSilent(heard.promise, signal))) {
          const epoch = Math.max(Date.now(), (claim?.epoch ?? 0) + 1);
          this.#claimSeq = await this.#write(seq, epoch, false);
          this.#epoch = epoch;
          this.#begin();
          return this.#epoch;
        }
      } catch (error) {
        if (signal.aborted) throw error;
        if (!(error instanceof RollcallError && error.code === 'stale')) {
          this.#bus.log.warn({ reason: reasonOf(error) }, 'cannot claim the role yet');
          await sleep(500, undefined, { signal });
        }
      } finally {
        subscription.unsubscribe();
      }
    }
  }

  /** Gives the role up, so that a successor need not wait. */
  async release(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#watch?.stop();
    if (this.#epoch === 0) return;
    await this.#write(this.#claimSeq, this.#epoch, true).catch(() => undefined);
    // Whoever stands by looks at the claim when it hears something.
    this.#beat();
  }

  #begin(): void {
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    this.#beat();
    this.#watchClaim().catch((error: unknown) => this.#lost.resolve(reasonOf(error)));
  }

  #beat(): void {
    if (this.#bus.isConnected) this.#bus.connection.publish(this.#aliveSubject, this.#run);
  }

  async #watchClaim(): Promise<void> {
    this.#watch = new StreamReader(this.#bus, {
      stream: this.#bus.topology.stateStream,
      subject: this.#claimSubject,
      from: this.#claimSeq + 1,
    });
    for await (const message of this.#watch) {
      const claim = parse(message.data);
      if (claim.run === this.#run) continue;
      clearInterval(this.#heartbeat);
      this.#watch.stop();
      this.#lost.resolve(claim.holder);
    }
  }

  async #currentClaim(): Promise<{ seq: number; claim: Claim | undefined }> {
    const value = await this.#bus.last(this.#bus.topology.stateStream, this.#claimSubject);
    return value === undefined
      ? { seq: 0, claim: undefined }
      : { seq: value.seq, claim: parse(value.data) };
  }

  async #isSilent(heard: Promise<boolean>, signal: AbortSignal): Promise<boolean> {
    const silence = sleep(this.#options.silenceMs ?? SILENCE_MS, true, { signal });
    const isSilent = await Promise.race([heard, silence]);
    // Silence counts only if we could have heard: the line to NATS must have been up.
    return isSilent && this.#bus.isConnected;
  }

  #write(lastSeq: number, epoch: number, released: boolean): Promise<number> {
    const claim: Claim = { holder: this.#options.holder, epoch, run: this.#run, released };
    return this.#bus.publish(this.#claimSubject, Buffer.from(JSON.stringify(claim)), { lastSeq });
  }

  get #claimSubject(): string {
    return this.#bus.topology.stateSubject('owner', this.#options.role);
  }

  get #aliveSubject(): string {
    return `${this.#bus.topology.fleet}.alive.${this.#options.role}`;
  }
}

function parse(data: Uint8Array): Claim {
  return JSON.parse(Buffer.from(data).toString()) as Claim;
}
