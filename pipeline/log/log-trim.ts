import type { Bus } from '../bus/bus.ts';
import { numberOf } from '../bus/numbered-value.ts';
import { RollcallError } from '../error.ts';
import { notifiedSubject, snapshotSubject } from './positions.ts';

interface Receiver {
  readonly name: string;
  /** Everything below it was delivered. */
  readonly nextSeq: number;
}

/** Below this share of its stream the log is kept whole: alerters recover from it. */
export const LOG_SHARE_MIN = 0.5;
/** Above this share no receiver is waited for: a full log would stop all alerting. */
export const RECEIVERS_SHARE_MAX = 0.8;

/**
 * Shortens the log when it has grown: at most the older half, only what is in ClickHouse and in the
 * snapshots of the alerters, and, while there is room, what every receiver has got.
 */
export class LogTrim {
  readonly #bus: Bus;
  readonly #offered: () => Promise<ReadonlySet<string> | undefined>;
  #isNearlyFull = false;

  /** `offered`: the receivers that somebody serves; undefined if that is not known. */
  constructor(bus: Bus, offered: () => Promise<ReadonlySet<string> | undefined>) {
    this.#bus = bus;
    this.#offered = offered;
  }

  /**
   * @param projectedSeq everything below it is in ClickHouse
   * @param createdMs when the log was made that this is said of
   * @returns the first sequence that is left, or undefined if nothing had to be done
   * @throws RollcallError `stream_replaced` when the log is another one by now, or ends before that
   */
  async trim(projectedSeq: number, createdMs: number): Promise<number | undefined> {
    const bus = this.#bus;
    const { logStream } = bus.topology;
    const { created, state, config } = await bus.streamInfo(logStream);
    if (Date.parse(created) !== createdMs || projectedSeq > state.last_seq + 1) {
      throw new RollcallError('stream_replaced', `${logStream} is not the stream it was`);
    }
    const share = state.bytes / config.max_bytes;
    if (share < LOG_SHARE_MIN) {
      this.#tell(share, []);
      return undefined;
    }
    const half = state.first_seq + Math.ceil((state.last_seq - state.first_seq + 1) / 2);
    const limits = [half, projectedSeq, ...(await snapshotSeqs(bus))];
    const wanted = Math.min(...limits);
    const lagging = (await this.#receivers()).filter(({ nextSeq }) => nextSeq < wanted);
    this.#tell(share, lagging);
    const waitedFor = share < RECEIVERS_SHARE_MAX ? lagging : [];
    const below = Math.min(wanted, ...waitedFor.map(({ nextSeq }) => nextSeq));
    if (below <= state.first_seq) return undefined;
    await bus.trim(logStream, below);
    return below;
  }

  /** How far each receiver has come; one that was taken out of the settings is no receiver any more. */
  async #receivers(): Promise<Receiver[]> {
    const { topology } = this.#bus;
    const found: Receiver[] = [];
    const offered = await this.#offered();
    const prefix = notifiedSubject(this.#bus, '');
    for (const subject of await this.#bus.subjects(topology.stateStream, `${prefix}*`)) {
      const name = subject.slice(prefix.length);
      if (offered?.has(name) === false) continue;
      const position = await this.#bus.last(topology.stateStream, subject);
      if (position !== undefined) found.push({ name, nextSeq: numberOf(position.data) + 1 });
    }
    return found;
  }

  #tell(share: number, lagging: readonly Receiver[]): void {
    const isNearlyFull = share >= RECEIVERS_SHARE_MAX;
    if (isNearlyFull === this.#isNearlyFull) return;
    this.#isNearlyFull = isNearlyFull;
    if (isNearlyFull) {
      this.#bus.log.error(
        { share, receivers: lagging.map(({ name }) => name) },
        'the log is nearly full: receivers that lag are not waited for',
      );
    } else this.#bus.log.info({ share }, 'there is room in the log again');
  }
}

/** For each lane that has alerts in the log: what its snapshot does not need any more. */
async function snapshotSeqs(bus: Bus): Promise<number[]> {
  const { topology } = bus;
  const seqs: number[] = [];
  for (const { lane } of await bus.lanes()) {
    const recorded = await bus.last(topology.logStream, topology.transitionsSubject(lane.id));
    if (recorded === undefined) continue;
    const head = await bus.last(topology.stateStream, snapshotSubject(bus, lane.id));
    seqs.push(head === undefined ? 0 : numberOf(head.data) + 1);
  }
  return seqs;
}
