import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { numberOf } from '../bus/numbered-value.ts';
import type { Lane } from '../bus/topology.ts';
import { RollcallError } from '../error.ts';
import { evaluatedSubject } from '../log/positions.ts';

/** Storage comes first: an alerter that lags is not waited for when what it has not evaluated takes this share of the lane. */
export const ALERTER_SHARE_MAX = 0.5;

/** What a writer has done of a lane. */
export interface WriterProgress {
  /** Everything below it is surely in ClickHouse. */
  readonly safeSeq: number;
  /** The last message that was read. */
  readonly readSeq: number;
  /** When the stream was made that this is said of. */
  readonly createdMs: number;
}

/**
 * Deletes from a lane what writer and alerter are done with. The stream itself never discards what is
 * old, so this is the only way it gets smaller. A lane without an alerter's position is the writer's
 * alone.
 */
export class LaneTrim {
  readonly #bus: Bus;
  readonly #lane: Lane;
  readonly #log: Logger;
  #missed = 0;
  #isLagging = false;

  constructor(bus: Bus, lane: Lane, log: Logger) {
    this.#bus = bus;
    this.#lane = lane;
    this.#log = log;
  }

  /** Messages that were deleted before the alerter had evaluated them. */
  get missedTotal(): number {
    return this.#missed;
  }

  /**
   * @returns how much of the lane's room is taken by what was read and is not stored for good, 0 to 1
   * @throws RollcallError `stream_replaced` when the stream is another one by now, or ends before that
   */
  async trim({ safeSeq, readSeq, createdMs }: WriterProgress): Promise<number> {
    const { id, stream } = this.#lane;
    const { created, state, config } = await this.#bus.streamInfo(stream);
    if (Date.parse(created) !== createdMs || safeSeq > state.last_seq + 1) {
      throw new RollcallError('stream_replaced', `${stream} is not the stream it was`);
    }
    const subject = evaluatedSubject(this.#bus, id);
    const alerter = await this.#bus.last(this.#bus.topology.stateStream, subject);
    const alerterSeq = alerter === undefined ? Infinity : numberOf(alerter.data) + 1;
    const share = (from: number, to: number): number => {
      const messages = Math.max(0, to + 1 - Math.max(from, state.first_seq));
      return (messages / Math.max(1, state.messages)) * (state.bytes / config.max_bytes);
    };
    const lag = share(alerterSeq, state.last_seq);
    const isLagging = alerterSeq < safeSeq && lag >= ALERTER_SHARE_MAX;
    if (isLagging) this.#tell(true, lag);
    else if (alerterSeq >= safeSeq) this.#tell(false, lag);
    const below = isLagging ? safeSeq : Math.min(safeSeq, alerterSeq);
    if (below > state.first_seq) {
      await this.#bus.trim(stream, below);
      if (isLagging) this.#missed += below - Math.max(alerterSeq, state.first_seq);
    }
    return share(safeSeq, readSeq);
  }

  #tell(isLagging: boolean, share: number): void {
    if (isLagging === this.#isLagging) return;
    this.#isLagging = isLagging;
    if (isLagging) {
      this.#log.error(
        { lane: this.#lane.id, share },
        'the alerter lags: its lane is trimmed anyway, and what it has not seen will page nobody',
      );
    } else this.#log.info({ lane: this.#lane.id }, 'the alerter has caught up');
  }
}
