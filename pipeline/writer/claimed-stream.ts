import type { Logger } from 'pino';
import type { Bus } from '../bus/bus.ts';
import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { persist } from './persist.ts';
import type { PersistOptions } from './persist.ts';
import { newestIdentity, RunLedger } from './run-ledger.ts';
import type { Position } from './run-ledger.ts';

/** A stream whose position in ClickHouse is ours. */
export interface ClaimedStream {
  readonly ledger: RunLedger;
  /** From where it is to be read. */
  readonly position: Position;
  /** Its identity: when it was created, or a little more if it has been cut back since. */
  readonly streamId: number;
  /** When it was created, ms. */
  readonly createdMs: number;
}

export interface Claimant {
  readonly bus: Bus;
  readonly store: Store;
  readonly log: Logger;
  /** The lane's id, or `log`. */
  readonly lane: string;
  readonly stream: string;
  readonly epoch: number;
  readonly writer: string;
}

/**
 * Takes the position of a stream over, for as long as that takes.
 *
 * @throws RollcallError `fenced`; `stream_replaced` when it was made anew meanwhile; the signal's reason
 */
export async function claimStream(
  claimant: Claimant,
  options: PersistOptions,
): Promise<ClaimedStream> {
  const { store, lane, stream, log } = claimant;
  const before = await infoOf(claimant, options);
  const { createdMs } = before;
  const streamId = await persist(
    'find the position',
    () => newestIdentity(store, lane, createdMs),
    options,
  );
  const claimed = await claim(claimant, streamId, before.firstSeq, options);
  // The position was written before this is asked, so the stream must reach as far.
  const after = await infoOf(claimant, options);
  if (after.createdMs !== createdMs) {
    throw new RollcallError('stream_replaced', `${stream} was made anew`);
  }
  const { toSeq, toStoredMs } = claimed.position;
  const isSame = () =>
    persist(
      'compare the stream with the position',
      () => claimant.bus.isSame(stream, toSeq, toStoredMs),
      options,
    );
  const isWhole = toSeq <= after.lastSeq && (await isSame());
  if (isWhole) return { ...claimed, createdMs };
  log.error(
    { lane, position: toSeq, lastSeq: after.lastSeq },
    'NATS has lost the newest messages of the stream; what was not stored of them is gone',
  );
  // New messages may have taken the places of those lost: what is known among all of them is dropped.
  return { ...(await claim(claimant, streamId + 1, after.firstSeq, options)), createdMs };
}

async function claim(
  { store, lane, epoch, writer }: Claimant,
  streamId: number,
  firstSeq: number,
  options: PersistOptions,
): Promise<Omit<ClaimedStream, 'createdMs'>> {
  const ledger = new RunLedger(store, { lane, streamId }, epoch, writer);
  const position = await persist('claim the position', () => ledger.claim(firstSeq), options);
  return { ledger, position, streamId };
}

function infoOf(
  { bus, stream }: Claimant,
  options: PersistOptions,
): Promise<{ createdMs: number; firstSeq: number; lastSeq: number }> {
  const read = async () => {
    const { created, state } = await bus.streamInfo(stream);
    return {
      createdMs: Date.parse(created),
      firstSeq: Math.max(1, state.first_seq),
      lastSeq: state.last_seq,
    };
  };
  return persist('read the stream', read, options);
}
