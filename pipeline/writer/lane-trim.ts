import type { Bus } from '../bus/bus.ts';
import { numberOf } from '../bus/numbered-value.ts';
import type { Lane } from '../bus/topology.ts';
import { evaluatedSubject } from '../log/positions.ts';

/** Storage comes first: above this share of its stream an alerter that lags is not waited for. */
export const ALERTER_SHARE_MAX = 0.5;

/**
 * Deletes from a lane what writer and alerter are done with. The stream itself never discards what is
 * old, so this is the only way it gets smaller.
 *
 * @param writerSeq everything below it is surely in ClickHouse
 */
export async function trimLane(bus: Bus, lane: Lane, writerSeq: number): Promise<void> {
  const info = await bus.streamInfo(lane.stream);
  const { first_seq: firstSeq, bytes } = info.state;
  let below = writerSeq;
  const subject = evaluatedSubject(bus, lane.id);
  const alerter = await bus.last(bus.topology.stateStream, subject);
  if (alerter !== undefined && numberOf(alerter.data) + 1 < below) {
    const share = bytes / info.config.max_bytes;
    if (share < ALERTER_SHARE_MAX) below = numberOf(alerter.data) + 1;
    else bus.log.error({ lane: lane.id, share }, 'the alerter lags: its lane is trimmed anyway');
  }
  if (below > firstSeq) await bus.trim(lane.stream, below);
}
