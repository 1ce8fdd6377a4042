import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Agent } from '../../agent/agent.ts';
import type { Source } from '../../agent/source.ts';
import { BatchPublisher } from '../../pipeline/bus/batch-publisher.ts';
import type { Bus } from '../../pipeline/bus/bus.ts';
import { StreamReader } from '../../pipeline/bus/stream-reader.ts';
import type { TlsFiles } from '../../pipeline/dial/tls-files.ts';
import { silentLog } from '../../pipeline/embedded/test-servers.ts';
import type { Teardown } from '../../pipeline/embedded/test-servers.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { alignedCopy, readBatch } from '../../pipeline/wire/batch.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import * as wire from '../../pipeline/wire/frame.ts';
import { hexId, shardOf, targetId } from '../../pipeline/wire/shard.ts';
import { CatalogueRegistry } from '../catalogue-registry.ts';
import { Dialler } from '../dialler.ts';
import type { DiallerOptions } from '../dialler.ts';
import { Quarantine } from '../quarantine.ts';
import { REPORT_CATALOGUE, REPORT_SLOTS } from '../target-report.ts';

/** Polls until the condition holds; says what was awaited when it does not come true. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`in vain: ${what}`);
    await sleep(5);
  }
}

/** An agent's ring while all goes well: what waits for its acknowledgement, and what is on its way. */
export const RING_FRAMES_MAX = 5;

export const LOAD = { name: 'node_load1', kind: 'gauge', unit: '', help: 'Load.' } as const;

export interface AgentWanted {
  readonly port?: number;
  readonly tls?: TlsFiles;
  readonly ringBytesMax?: number;
  /** How far its wall clock is ahead. */
  readonly aheadMs?: number;
}

/** A real agent on loopback whose only reading counts its ticks: 1, 2, 3 … */
export async function testAgent(t: Teardown, wanted: AgentWanted = {}) {
  const state = { ticks: 0, isStopped: false };
  const source: Source = {
    name: 'test',
    read(sink) {
      state.ticks += 1;
      sink.set(sink.declare(LOAD, [['unit', 'test']]), state.ticks);
    },
    close() {},
  };
  const agent = new Agent({
    listen: { host: '127.0.0.1', port: wanted.port ?? 0 },
    tls: wanted.tls,
    insecure: false,
    sources: [() => source],
    ringBytesMax: wanted.ringBytesMax ?? 4 << 20,
    seriesMax: 200,
    connectionsMax: 16,
    version: 'test',
    log: silentLog,
    clock: {
      wallMs: () => Date.now() + (wanted.aheadMs ?? 0),
      monotonicMs: () => performance.now(),
    },
  });
  const { port } = await agent.start();
  const stop = async () => {
    if (state.isStopped) return;
    state.isStopped = true;
    await agent.stop();
  };
  t.teardown(stop);
  return { agent, port, state, stop };
}

/** A target as the database would have it; its interval is short, for a test's sake. */
export function testTarget(instance: string, port: number, intervalMs = 200): Target {
  const address = `127.0.0.1:${port}`;
  return { id: targetId(instance), instance, address, labels: {}, intervalMs };
}

export const DIALLER_OPTIONS: DiallerOptions = {
  fleet: 'fleet',
  name: 'test',
  dialsPerSecond: 1000,
  dialsInFlightMax: 512,
  connectTimeoutMs: 3000,
  handshakeTimeoutMs: 3000,
  backoffMsMin: 50,
  backoffMsMax: 400,
  batchBytesMax: 512 * 1024,
  batchDelayMsMax: 10,
  publishBytesInFlightMax: 16 << 20,
  creditBytes: 256 * 1024,
  clockSkewMsMax: 600_000,
};

/** A dialler with its publisher, put together as a worker does it. */
export function testDialler(
  t: Teardown,
  bus: Bus,
  wanted: Partial<DiallerOptions> & {
    readonly tls?: TlsFiles;
    readonly epoch?: number;
    readonly log?: Logger;
  } = {},
) {
  const { tls, epoch = 1, log = silentLog, ...options } = wanted;
  const stopSignal = new AbortController();
  const publisher = new BatchPublisher(bus, hexId(randomBytes(8).readBigUInt64LE(0)));
  const { topology } = bus;
  const stale: string[] = [];
  const dialler = new Dialler({
    options: { ...DIALLER_OPTIONS, fleet: topology.fleet, ...options },
    laneSubjects: Array.from({ length: topology.lanes }, (_, i) => topology.lane(i).subject),
    publisher,
    quarantine: new Quarantine(bus),
    catalogues: new CatalogueRegistry(bus, stopSignal.signal),
    tls,
    insecure: false,
    log,
    onStaleEpoch: (message) => stale.push(message),
  });
  dialler.start();
  t.teardown(() => {
    dialler.stop();
    stopSignal.abort();
    publisher.stop();
  });
  const setTargets = (...targets: readonly Target[]) => {
    for (const shard of new Set([...shards, ...targets.map(({ id }) => shardOf(id))])) {
      shards.add(shard);
      dialler.setShard(
        shard,
        epoch,
        targets.filter(({ id }) => shardOf(id) === shard),
      );
    }
  };
  const shards = new Set<number>();
  const ended = (code: string) => dialler.counters.ends.get(code) ?? 0;
  return { dialler, publisher, stale, setTargets, ended };
}

/** A frame as a consumer of the lanes finds it. */
export interface StoredFrame {
  readonly lane: number;
  readonly target: bigint;
  readonly incarnation: bigint;
  readonly seq: number;
  readonly timestampMs: number;
  readonly isBacklog: boolean;
  readonly catalogue: bigint;
  /** By slot; absent slots are undefined. */
  readonly values: readonly (number | undefined)[];
  /** Whether its catalogue came along the lane before it. */
  readonly isAnnounced: boolean;
}

/** Reads every lane from its beginning, as a writer would. */
export class LaneTap {
  readonly frames: StoredFrame[] = [];
  /** What collectors say of their targets. */
  readonly reports: StoredFrame[] = [];
  readonly catalogues = new Map<bigint, Catalogue>();
  readonly batchBytes: number[] = [];
  readonly #readers: StreamReader[] = [];

  constructor(t: Teardown, bus: Bus) {
    const { topology } = bus;
    for (let lane = 0; lane < topology.lanes; lane += 1) {
      const reader = new StreamReader(bus, { stream: topology.lane(lane).stream, from: 1 });
      this.#readers.push(reader);
      void this.#read(reader, lane);
    }
    t.teardown(() => this.#readers.forEach((reader) => reader.stop()));
  }

  /** The agent's frames of a target, in the order of the lane. */
  framesOf(target: Target): StoredFrame[] {
    return this.frames.filter(({ target: id }) => id === target.id);
  }

  reportsOf(target: Target): StoredFrame[] {
    return this.reports.filter(({ target: id }) => id === target.id);
  }

  seqsOf(target: Target): number[] {
    return [...new Set(this.framesOf(target).map(({ seq }) => seq))].toSorted((a, b) => a - b);
  }

  /** A report may lie behind the values of the agent. */
  #sort(frame: StoredFrame): void {
    const { catalogue, values } = frame;
    if (catalogue === REPORT_CATALOGUE.hash) {
      this.reports.push(frame);
      return;
    }
    const isReported = this.catalogues.get(catalogue)?.series.at(-REPORT_SLOTS)?.name === 'up';
    this.frames.push(isReported ? withValues(frame, values.slice(0, -REPORT_SLOTS)) : frame);
    const report = values.slice(-REPORT_SLOTS);
    if (isReported && report[0] !== undefined) this.reports.push(withValues(frame, report));
  }

  async #read(reader: StreamReader, lane: number): Promise<void> {
    const announced = new Set<bigint>();
    for await (const { data } of reader) {
      this.batchBytes.push(data.length);
      readBatch(alignedCopy(data), {
        onCatalogue: (source, offset, length) => {
          const catalogue = decodeCatalogueMessage(source, offset, length);
          announced.add(catalogue.hash);
          this.catalogues.set(catalogue.hash, catalogue);
        },
        onFrame: (source, offset) => {
          const frame = storedFrame(source, offset, lane, announced);
          this.#sort(frame);
        },
      });
    }
  }
}

function withValues(frame: StoredFrame, values: StoredFrame['values']): StoredFrame {
  return { ...frame, values };
}

function storedFrame(
  source: Buffer,
  offset: number,
  lane: number,
  announced: ReadonlySet<bigint>,
): StoredFrame {
  const slots = wire.frameSlots(source, offset);
  const valuesAt = offset + wire.valuesAt(slots);
  const catalogue = wire.frameCatalogue(source, offset);
  return {
    lane,
    target: wire.frameTarget(source, offset),
    incarnation: wire.frameIncarnation(source, offset),
    seq: wire.frameSeq(source, offset),
    timestampMs: wire.frameTimestampMs(source, offset),
    isBacklog: wire.frameIsBacklog(source, offset),
    catalogue,
    values: Array.from({ length: slots }, (_, slot) =>
      wire.isPresent(source, offset, slot) ? source.readDoubleLE(valuesAt + 8 * slot) : undefined,
    ),
    isAnnounced: announced.has(catalogue),
  };
}

/** The numbers from `first` to `last`. */
export function range(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
