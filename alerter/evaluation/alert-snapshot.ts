import { z } from 'zod';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { encodeNumbered, numberOf, payloadOf } from '../../pipeline/bus/numbered-value.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { snapshotSubject } from '../../pipeline/log/positions.ts';
import type { Transition } from '../../pipeline/log/transition.ts';
import { decodeTransitions, encodeRecord } from '../../pipeline/log/record-codec.ts';

const header = z.object({
  side: z.enum(['a', 'b']),
  chunks: z.number().int().min(0),
});
type Header = z.infer<typeof header>;

export interface Snapshot {
  readonly logSeq: number;
  readonly alerts: readonly Transition[];
}

const ALERTS_PER_CHUNK = 500;

/**
 * The active alerts of a lane as of some point of the log, so that the log need not be read from its beginning.
 * It is written in chunks to the side (`a` or `b`) that the header does not name, and then the
 * header is switched: an interrupted snapshot is simply not there.
 */
export class AlertSnapshot {
  readonly #bus: Bus;
  readonly #lane: string;

  constructor(bus: Bus, lane: string) {
    this.#bus = bus;
    this.#lane = lane;
  }

  async load(): Promise<Snapshot> {
    const head = await this.#header();
    if (head === undefined) return { logSeq: 0, alerts: [] };
    const alerts: Transition[] = [];
    for (let chunk = 0; chunk < head.chunks; chunk += 1) {
      const subject = this.#subject(head.side, String(chunk));
      const value = await this.#bus.last(this.#bus.topology.stateStream, subject);
      if (value === undefined) {
        throw new RollcallError('snapshot_incomplete', `${subject} is missing`);
      }
      alerts.push(...decodeTransitions(value.data).transitions);
    }
    return { logSeq: head.logSeq, alerts };
  }

  async save({ logSeq, alerts }: Snapshot): Promise<void> {
    const previous = await this.#header();
    const side = previous?.side === 'a' ? 'b' : 'a';
    let chunks = 0;
    for (let at = 0; at < alerts.length; at += ALERTS_PER_CHUNK) {
      const transitions = alerts.slice(at, at + ALERTS_PER_CHUNK);
      const record = { lane: this.#lane, laneSeq: 0, transitions };
      await this.#bus.publish(this.#subject(side, String(chunks)), encodeRecord(record));
      chunks += 1;
    }
    const head = Buffer.from(JSON.stringify({ side, chunks } satisfies Header));
    await this.#bus.publish(snapshotSubject(this.#bus, this.#lane), encodeNumbered(logSeq, head));
  }

  /** Its number is the last message of the log that the snapshot contains. */
  async #header(): Promise<(Header & { logSeq: number }) | undefined> {
    const { stateStream } = this.#bus.topology;
    const value = await this.#bus.last(stateStream, snapshotSubject(this.#bus, this.#lane));
    if (value === undefined) return undefined;
    const parsed = header.parse(JSON.parse(Buffer.from(payloadOf(value.data)).toString()));
    return { ...parsed, logSeq: numberOf(value.data) };
  }

  #subject(...path: readonly string[]): string {
    return this.#bus.topology.stateSubject('alerts', this.#lane, ...path);
  }
}
