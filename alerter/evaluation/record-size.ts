import type { AlertStopwatch, Transition } from '../../pipeline/log/transition.ts';

/** Entries of one record of the log, or of one chunk of a snapshot. */
const ENTRIES_MAX = 300;
/** Their bytes: well below NATS' default max_payload of 1 MiB. */
const BYTES_MAX = 512 * 1024;
/** So a transition and its stopwatch, which names its series once more, fit a record of their own. */
const TRANSITION_BYTES_MAX = 256 * 1024;
const INSTANCE_CHARS_MAX = 1024;

/** What still fits: a run of entries that go into one record. */
export class RecordRoom {
  readonly #bytesMax: number;
  #entries = 0;
  #bytes = 0;

  /** @param payloadBytesMax what NATS takes in one message */
  constructor(payloadBytesMax: number) {
    this.#bytesMax = Math.min(BYTES_MAX, payloadBytesMax / 2);
  }

  /** Whether the next entry goes in. The first always does: nothing would be gained by waiting. */
  take(bytes: number): boolean {
    const isFull = this.#entries >= ENTRIES_MAX || this.#bytes + bytes > this.#bytesMax;
    if (isFull && this.#entries > 0) return false;
    this.#entries += 1;
    this.#bytes += bytes;
    return true;
  }
}

/** Bytes of an entry in a record. */
export function entryBytes(entry: Transition | AlertStopwatch): number {
  return Buffer.byteLength(JSON.stringify(entry)) + 1;
}

/** Cuts entries into runs each of which fits a record, in their order. */
export function cutForRecords<Entry>(
  entries: readonly Entry[],
  bytesOf: (entry: Entry) => number,
  payloadBytesMax: number,
): Entry[][] {
  const runs: Entry[][] = [];
  let room = new RecordRoom(payloadBytesMax);
  for (const entry of entries) {
    const bytes = bytesOf(entry);
    if (runs.length === 0 || !room.take(bytes)) {
      room = new RecordRoom(payloadBytesMax);
      room.take(bytes);
      runs.push([]);
    }
    runs.at(-1)!.push(entry);
  }
  return runs;
}

/**
 * The transition itself if it is small enough; else without annotations, and if that does not do with two
 * labels only. Its fingerprint still names all of them.
 */
export function fitting(transition: Transition): Transition {
  if (entryBytes(transition) <= TRANSITION_BYTES_MAX) return transition;
  const summary = `left out: with them the alert is larger than ${TRANSITION_BYTES_MAX / 1024} KiB`;
  const bare = { ...transition, annotations: { summary } };
  if (entryBytes(bare) <= TRANSITION_BYTES_MAX) return bare;
  const { instance = '' } = transition.labels;
  const labels = { alertname: transition.alert, instance: instance.slice(0, INSTANCE_CHARS_MAX) };
  return { ...bare, labels };
}
