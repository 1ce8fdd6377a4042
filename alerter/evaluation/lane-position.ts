import type { Bus } from '../../pipeline/bus/bus.ts';
import { evaluatedSubject } from '../../pipeline/log/positions.ts';
import { lanePlace } from '../../pipeline/log/record-codec.ts';
import type { LanePlace } from '../../pipeline/log/transition.ts';
import { unreadable } from '../unreadable.ts';
import { FencedValue } from './fenced-value.ts';
import { isStale, laneBusy } from './owner.ts';
import type { LaneOwner } from './owner.ts';

/**
 * How far a lane has been evaluated, on its compacted subject: for the successor, and for the writer, who
 * trims the lane by it.
 */
export class LanePosition {
  readonly #bus: Bus;
  readonly #subject: string;
  readonly #value: FencedValue;

  constructor(bus: Bus, lane: string, owner: LaneOwner) {
    this.#bus = bus;
    this.#subject = evaluatedSubject(bus, lane);
    this.#value = new FencedValue(bus, this.#subject, owner);
  }

  /**
   * Signs the position, so that no predecessor can write it any more. One that still did, after the log
   * was closed to it, had nothing left to record: what it says is true, and is where we go on.
   *
   * @param choose what the position becomes, from what it is
   * @throws RollcallError `lane_busy` when a predecessor was still writing: to be called again;
   *   `stale` when a later owner has written it
   */
  async take(choose: (recorded: LanePlace | undefined) => LanePlace): Promise<LanePlace> {
    const place = choose(await this.read());
    try {
      await this.#value.replace(place.laneSeq, place);
    } catch (error) {
      if (isStale(error)) throw laneBusy(error);
      throw error;
    }
    return place;
  }

  /** @throws RollcallError `stale` when a later owner has written it */
  async save(place: LanePlace): Promise<void> {
    await this.#value.write(place.laneSeq, place);
  }

  /** @throws RollcallError `stale` when a later owner has written it; `state_unreadable` */
  async read(): Promise<LanePlace | undefined> {
    const value = await this.#value.read();
    if (value === undefined) return undefined;
    const place = lanePlace.safeParse({ ...(value.payload as object), laneSeq: value.number });
    if (!place.success) throw unreadable(this.#bus, this.#subject, place.error);
    return place.data;
  }
}
