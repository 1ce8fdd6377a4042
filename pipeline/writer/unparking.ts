import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { StreamReader } from '../bus/stream-reader.ts';
import { untilAborted } from '../dial/until-aborted.ts';
import { isCode, reasonOf } from '../error.ts';
import { alignedCopy, BATCH_HEADER_BYTES, writeBatchHeader } from '../wire/batch.ts';
import { checkFrame, flagBacklog, frameTarget } from '../wire/frame.ts';
import { MessageType, padded } from '../wire/message.ts';
import { laneOf, parseHexId, shardOf } from '../wire/shard.ts';
import type { CatalogueBook } from './catalogue-book.ts';
import type { ParkedMessage, Parking } from './parking.ts';

interface Parts {
  readonly bus: Bus;
  readonly catalogues: CatalogueBook;
  readonly parking: Parking;
  readonly log: Logger;
}

/** What is read of one parked subject. */
interface Moved {
  readonly lanes: LaneFrames;
  readonly garbage: ParkedMessage[];
  frames: number;
  lastSeq: number;
}

const LOOK_EVERY_MS = 10_000;
/** Catalogues asked for at one look; the others have their turn at the next ones. */
const CATALOGUES_PER_LOOK_MAX = 1000;
const BATCH_BYTES_MAX = 512 * 1024;

/**
 * The way back for frames that wait for their catalogue: when it has turned up they are put on their lane
 * again, flagged as backlog, and deleted from the parked stream afterwards. A kill in between sends
 * them twice, which the lane's writer drops like every repeat. So any number of these may run.
 */
export class Unparking {
  readonly #parts: Parts;
  readonly #everyMs: number;
  #unparked = 0;
  #waiting = 0;
  #nextAt = 0;

  constructor(parts: Parts, everyMs = LOOK_EVERY_MS) {
    this.#parts = parts;
    this.#everyMs = everyMs;
  }

  /** Frames that were put on their lane again. */
  get unparkedTotal(): number {
    return this.#unparked;
  }

  /** Catalogues that frames wait for. */
  get waitingCatalogues(): number {
    return this.#waiting;
  }

  /** Runs until aborted, and then resolves. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await untilAborted(this.look(signal), signal);
        await sleep(this.#everyMs, undefined, { signal });
      } catch (error) {
        if (signal.aborted) return;
        this.#parts.log.warn({ reason: reasonOf(error) }, 'cannot look at parked frames');
        await sleep(this.#everyMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** One look: puts back what can be understood by now. */
  async look(signal: AbortSignal): Promise<void> {
    const { bus, catalogues, parking } = this.#parts;
    const subjects = await bus.subjects(bus.topology.parkedStream, parking.waitingSubject());
    this.#waiting = subjects.length;
    if (subjects.length === 0) return;
    const start = this.#nextAt < subjects.length ? this.#nextAt : 0;
    const some = subjects.toSorted().slice(start, start + CATALOGUES_PER_LOOK_MAX);
    this.#nextAt = start + some.length;
    const subjectOf = new Map<bigint, string>();
    for (const subject of some) {
      const hash = catalogueOf(subject);
      if (hash !== undefined) subjectOf.set(hash, subject);
    }
    const known = await catalogues.resolve(subjectOf.keys());
    for (const hash of known.keys()) {
      signal.throwIfAborted();
      await this.#putBack(subjectOf.get(hash)!, signal);
    }
  }

  async #putBack(subject: string, signal: AbortSignal): Promise<void> {
    const { bus, log } = this.#parts;
    const reader = new StreamReader(bus, {
      stream: bus.topology.parkedStream,
      subject,
      from: 1,
    });
    const onAbort = (): void => reader.stop();
    signal.addEventListener('abort', onAbort, { once: true });
    // Also when somebody else was quicker and nothing is there.
    void reader.caughtUp.then(onAbort);
    const moved: Moved = { lanes: new LaneFrames(), garbage: [], frames: 0, lastSeq: 0 };
    try {
      for await (const { seq, data } of reader) {
        this.#sort(seq, alignedCopy(data), moved);
        if (moved.lanes.bytes >= BATCH_BYTES_MAX) await this.#move(subject, moved);
      }
      signal.throwIfAborted();
      await this.#move(subject, moved);
    } finally {
      signal.removeEventListener('abort', onAbort);
      reader.stop();
    }
    log.info({ subject, frames: moved.frames }, 'parked frames are on their lanes again');
  }

  #sort(seq: number, bytes: Buffer, moved: Moved): void {
    moved.lastSeq = seq;
    if (isFrame(bytes)) {
      const { lanes } = this.#parts.bus.topology;
      moved.lanes.add(laneOf(shardOf(frameTarget(bytes, 0)), lanes), bytes);
      moved.frames += 1;
    } else moved.garbage.push({ reason: 'bad_batch', bytes, id: `parked-${seq}` });
  }

  /** First onto the lanes, then out of the parking. */
  async #move(subject: string, moved: Moved): Promise<void> {
    const { bus, parking } = this.#parts;
    if (moved.lastSeq === 0) return;
    await parking.park(moved.garbage.splice(0));
    for (const { lane, frames, batch } of moved.lanes.take()) {
      await bus.publish(bus.topology.lane(lane).subject, batch);
      this.#unparked += frames;
    }
    await bus.trim(bus.topology.parkedStream, moved.lastSeq + 1, subject);
  }
}

/** Frames for each lane, until there are enough for a batch. */
class LaneFrames {
  readonly #lanes = new Map<number, Buffer[]>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(lane: number, message: Buffer): void {
    const frame = Buffer.alloc(padded(message.length));
    frame.set(message);
    flagBacklog(frame, 0);
    const frames = this.#lanes.get(lane);
    if (frames === undefined) this.#lanes.set(lane, [frame]);
    else frames.push(frame);
    this.#bytes += frame.length;
  }

  /** A batch for each lane. */
  take(): { lane: number; frames: number; batch: Buffer }[] {
    const batches = Array.from(this.#lanes, ([lane, frames]) => {
      const header = Buffer.alloc(BATCH_HEADER_BYTES);
      writeBatchHeader(header, frames.length, 0n, Date.now());
      return { lane, frames: frames.length, batch: Buffer.concat([header, ...frames]) };
    });
    this.#lanes.clear();
    this.#bytes = 0;
    return batches;
  }
}

/** The catalogue that a subject names; undefined for what is none of ours. */
function catalogueOf(subject: string): bigint | undefined {
  const token = subject.slice(subject.lastIndexOf('.') + 1);
  return /^[0-9a-f]{16}$/.test(token) ? parseHexId(token) : undefined;
}

function isFrame(bytes: Buffer): boolean {
  if (bytes.length < 8 || bytes[4] !== MessageType.samples) return false;
  if (bytes.readUInt32LE(0) !== bytes.length) return false;
  try {
    checkFrame(bytes, 0, bytes.length);
    return true;
  } catch (error) {
    if (isCode(error, 'bad_message')) return false;
    throw error;
  }
}
