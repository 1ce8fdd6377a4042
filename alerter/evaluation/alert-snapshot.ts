import { z } from 'zod';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { snapshotSubject } from '../../pipeline/log/positions.ts';
import { decodeTransitions, encodeRecord, lanePlace } from '../../pipeline/log/record-codec.ts';
import type { AlertStopwatch, LanePlace, Transition } from '../../pipeline/log/transition.ts';
import { tooLarge, unreadable } from '../unreadable.ts';
import { FencedValue } from './fenced-value.ts';
import { isStale, laneBusy } from './owner.ts';
import type { LaneOwner } from './owner.ts';
import { cutForRecords, entryBytes } from './record-size.ts';

const header = z.object({
  /** A token of the chunks' subjects; an earlier version had two, `a` and `b`. */
  side: z.string().regex(/^[0-9a-z-]+$/),
  chunks: z.number().int().min(0),
  place: lanePlace.optional(),
});
type Header = z.infer<typeof header>;

export interface Snapshot {
  /** The last message of the log that it contains; 0: none. */
  readonly logSeq: number;
  /** How far the lane had been evaluated; missing in snapshots of earlier versions. */
  readonly place?: LanePlace | undefined;
  readonly alerts: readonly Transition[];
  /** One of each alert, in the same order. */
  readonly stopwatches: readonly AlertStopwatch[];
}

const HEAD = 'head';

/**
 * The active alerts of a lane as of some point of the log, so that the log need not be read from its beginning.
 * It is written in chunks to a side of its own, named by the owner's epoch and by the header that it
 * replaces, and then the header is switched by compare-and-set: an interrupted snapshot is simply not there,
 * and nobody writes into the side that a header names.
 */
export class AlertSnapshot {
  readonly #bus: Bus;
  readonly #lane: string;
  readonly #owner: LaneOwner;
  readonly #head: FencedValue;

  constructor(bus: Bus, lane: string, owner: LaneOwner) {
    this.#bus = bus;
    this.#lane = lane;
    this.#owner = owner;
    this.#head = new FencedValue(bus, snapshotSubject(bus, lane), owner);
  }

  /**
   * @throws RollcallError `snapshot_incomplete` when it was replaced meanwhile: load again; `stale`;
   *   `state_unreadable`
   */
  async load(): Promise<Snapshot> {
    const head = await this.#head.read();
    if (head === undefined) return { logSeq: 0, alerts: [], stopwatches: [] };
    const { side, chunks, place } = this.#readable(() => header.parse(head.payload));
    const alerts: Transition[] = [];
    const stopwatches: AlertStopwatch[] = [];
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      const subject = this.#subject(side, String(chunk));
      const value = await this.#bus.last(this.#bus.topology.stateStream, subject);
      if (value === undefined) {
        throw new RollcallError('snapshot_incomplete', `${subject} is missing`);
      }
      const record = this.#readable(() => decodeTransitions(value.data));
      alerts.push(...record.transitions);
      stopwatches.push(...(record.stopwatches ?? []));
    }
    return { logSeq: head.number, place, alerts, stopwatches };
  }

  /**
   * @throws RollcallError `lane_busy` when a predecessor wrote one meanwhile: to be called again;
   *   `stale` when a later owner has written one; `record_too_large`
   */
  async save({ logSeq, place, alerts, stopwatches }: Snapshot): Promise<void> {
    const previous = await this.#head.read();
    const side = `${this.#owner.epoch}-${previous?.seq ?? 0}`;
    const indices = alerts.map((_, i) => i);
    const bytesOf = (i: number): number => entryBytes(alerts[i]!) + entryBytes(stopwatches[i]!);
    let chunks = 0;
    for (const run of cutForRecords(indices, bytesOf, this.#bus.payloadBytesMax)) {
      const [from, to] = [run[0]!, run.at(-1)! + 1];
      const transitions = alerts.slice(from, to);
      const part = { transitions, stopwatches: stopwatches.slice(from, to) };
      await this.#publish(this.#subject(side, String(chunks)), part);
      chunks += 1;
    }
    // Not if it was replaced meanwhile: then the side is named after another header.
    const head = { side, chunks, place } satisfies Header;
    const headSeq = await this.#switchTo(logSeq, head);
    await this.#removeOthers(side, headSeq);
  }

  async #publish(
    subject: string,
    part: Pick<Snapshot, 'stopwatches'> & { transitions: readonly Transition[] },
  ): Promise<void> {
    const data = encodeRecord({ lane: this.#lane, laneSeq: 0, ...part });
    const { payloadBytesMax } = this.#bus;
    if (data.length > payloadBytesMax) throw tooLarge(subject, data.length, payloadBytesMax);
    await this.#bus.publish(subject, data);
  }

  /** What cannot be decoded is of use to nobody: all of it has to go. */
  #readable<T>(decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      throw unreadable(this.#bus, this.#subject('>'), error);
    }
  }

  async #switchTo(logSeq: number, head: Header): Promise<number> {
    try {
      return await this.#head.replace(logSeq, head);
    } catch (error) {
      if (!isStale(error)) throw error;
      await this.#head.read();
      throw laneBusy(error);
    }
  }

  /** Deletes the chunks of sides that no header names any more. */
  async #removeOthers(side: string, headSeq: number): Promise<void> {
    const { stateStream } = this.#bus.topology;
    const sides = new Set<string>();
    for (const subject of await this.#bus.subjects(stateStream, this.#subject('>'))) {
      const token = subject.slice(this.#subject('').length).split('.')[0]!;
      if (token !== HEAD && token !== side) sides.add(token);
    }
    for (const other of sides) {
      await this.#bus.trim(stateStream, headSeq, this.#subject(other, '>'));
    }
  }

  #subject(...path: readonly string[]): string {
    return this.#bus.topology.stateSubject('alerts', this.#lane, ...path);
  }
}
