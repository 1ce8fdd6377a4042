import { randomBytes } from 'node:crypto';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { busOptionsOf } from '../../cli/parts.ts';
import { loadConfig } from '../../cli/config/load.ts';
import { BatchPublisher } from '../../pipeline/bus/batch-publisher.ts';
import { Bus } from '../../pipeline/bus/bus.ts';
import { shelveCatalogue } from '../../pipeline/bus/shelved-catalogue.ts';
import { encodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { encodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import { flagBacklog, frameBytes, writeFrame } from '../../pipeline/wire/frame.ts';
import { laneOf, shardOf, targetId } from '../../pipeline/wire/shard.ts';
import { FLEET_NAME } from '../system/system.ts';
import { allPresent } from './all-present.ts';
import type { History, HistoryHost } from './history.ts';
import { LaneBatches } from './lane-batches.ts';

export interface HistoryPublicationOptions {
  readonly natsPort: number;
  readonly say: (progress: string) => void;
}

/** A minute of all hosts is made at once, and told tick by tick: as hosts that speak at the same time do. */
const STRETCH_MS = 60_000;
const PERCENT_EVERY_MS = 3_600_000;
/** As of a collector's worker. */
const IN_FLIGHT_BYTES_MAX = 16 * 1024 * 1024;
/** Catalogues need no target. */
const NOBODY = 0n;

/** One host as an agent that has been running all the time. */
class Speaker {
  readonly #host: HistoryHost;
  readonly #incarnation = randomBytes(8).readBigUInt64LE(0);
  readonly #target: bigint;
  readonly #lane: LaneBatches;
  readonly #catalogue: Catalogue;
  #seq = 0;

  constructor(host: HistoryHost, lanes: readonly LaneBatches[], catalogue: Catalogue) {
    const id = targetId(host.instance);
    this.#host = host;
    this.#target = id;
    this.#lane = lanes[laneOf(shardOf(id), lanes.length)]!;
    this.#catalogue = catalogue;
  }

  /** The next minute as instants and what to do at each. */
  until(untilMs: number): readonly (readonly [timestampMs: number, speak: () => void])[] {
    const { timestampsMs, rows } = this.#host.until(untilMs);
    const slots = this.#catalogue.series.length;
    return timestampsMs.map((timestampMs, tick) => [
      timestampMs,
      () => this.#speak(timestampMs, rows.subarray(tick * slots, (tick + 1) * slots)),
    ]);
  }

  #speak(timestampMs: number, values: Float64Array): void {
    const { series, hash } = this.#catalogue;
    const slots = series.length;
    this.#seq += 1;
    const head = {
      incarnation: this.#incarnation,
      seq: this.#seq,
      timestampMs,
      catalogue: hash,
      slots,
    };
    const frame = frameOf(slots);
    const length = writeFrame(frame, 0, head, allPresent(slots), values);
    flagBacklog(frame, 0);
    this.#lane.add(frame, length, this.#target);
  }
}

/**
 * Puts a history onto the lanes of a running system, in the order of time, as batches of late frames. Returns when JetStream
 * has all of it. Collectors are left out: they would set frames of so long ago aside.
 */
export async function publishHistory(
  history: History,
  { natsPort, say }: HistoryPublicationOptions,
): Promise<void> {
  const bus = await connect(natsPort);
  try {
    const publisher = new BatchPublisher(bus, randomBytes(8).toString('hex'));
    const catalogue = encodeCatalogue(history.series);
    const lanes = await announced(bus, publisher, catalogue);
    const speakers = history.hosts().map((host) => new Speaker(host, lanes, catalogue));
    await tell(history, speakers, publisher, say);
    for (const lane of lanes) lane.flush();
    await published(publisher, 0);
  } finally {
    await bus.close();
  }
}

/** Lanes that know the catalogue: batches may overtake each other, so theirs goes first. */
async function announced(
  bus: Bus,
  publisher: BatchPublisher,
  catalogue: Catalogue,
): Promise<LaneBatches[]> {
  const { topology } = bus;
  await shelveCatalogue(bus, catalogue);
  const message = encodeCatalogueMessage(catalogue);
  const collector = randomBytes(8).readBigUInt64LE(0);
  const lanes = Array.from(
    { length: topology.lanes },
    (_, index) => new LaneBatches(topology.lane(index).subject, publisher, collector),
  );
  for (const lane of lanes) {
    lane.add(message, message.length, NOBODY);
    lane.flush();
  }
  await published(publisher, 0);
  return lanes;
}

async function tell(
  { startMs, endMs }: History,
  speakers: readonly Speaker[],
  publisher: BatchPublisher,
  say: (progress: string) => void,
): Promise<void> {
  for (let fromMs = startMs; fromMs < endMs; fromMs += STRETCH_MS) {
    const elapsedMs = fromMs - startMs;
    if (elapsedMs % PERCENT_EVERY_MS === 0) {
      say(`rollcall: history, ${Math.round((100 * elapsedMs) / (endMs - startMs))}%`);
    }
    const words = speakers.flatMap((each) => each.until(fromMs + STRETCH_MS));
    for (const [, speak] of words.toSorted(([a], [b]) => a - b)) speak();
    // Batches leave when the loop turns.
    await turn();
    await published(publisher, IN_FLIGHT_BYTES_MAX);
  }
}

async function published(publisher: BatchPublisher, bytesMax: number): Promise<void> {
  while (publisher.bytesInFlight > bytesMax) await sleep(1);
}

/** As the components of the system are connected. */
function connect(natsPort: number): Promise<Bus> {
  const config = loadConfig({
    sections: ['general', 'nats'],
    flags: {},
    env: {
      ROLLCALL_FLEET: FLEET_NAME,
      ROLLCALL_NATS_SERVERS: `nats://127.0.0.1:${natsPort}`,
      ROLLCALL_CONFIG: '',
    },
  });
  return Bus.connect({ ...busOptionsOf(config, 'history'), log: pino({ level: 'silent' }) });
}

let frame = Buffer.alloc(0);

/** What is written is copied before the next one is. */
function frameOf(slots: number): Buffer {
  if (frame.length < frameBytes(slots)) frame = Buffer.alloc(frameBytes(slots));
  return frame;
}
