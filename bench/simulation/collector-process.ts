import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CatalogueRegistry } from '../../collector/catalogue-registry.ts';
import { Dialler } from '../../collector/dialler.ts';
import { Quarantine } from '../../collector/quarantine.ts';
import { BatchPublisher } from '../../pipeline/bus/batch-publisher.ts';
import { Bus } from '../../pipeline/bus/bus.ts';
import { Membership } from '../../pipeline/membership/membership.ts';
import { hexId } from '../../pipeline/wire/shard.ts';
import type { SimulatedMember } from './simulated-member.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { FLEET } from './world.ts';
import type { World } from './world.ts';

const HAND_OVER_MS = 1500;
const DRAIN_MS = 1500;

/**
 * A collector as `collector/collector.ts` and its worker put it together: one worker, on the same
 * connection, and targets that are known rather than followed.
 */
export class CollectorProcess implements SimulatedMember {
  readonly process: SimulatedProcess;
  readonly #world: World;
  readonly #stop = new AbortController();
  #bus: Bus | undefined;
  #membership: Membership | undefined;
  #dialler: Dialler | undefined;
  #publisher: BatchPublisher | undefined;

  constructor(world: World, process: SimulatedProcess) {
    this.#world = world;
    this.process = process;
    world.start(process, () => this.#run());
  }

  get membership(): Membership | undefined {
    return this.#membership;
  }

  async stop(): Promise<void> {
    await this.#membership?.leave();
    await this.#hangUp();
    this.#stop.abort();
    this.#publisher?.stop();
    await this.#bus?.close();
  }

  async #hangUp(): Promise<void> {
    const dialler = this.#dialler;
    if (dialler === undefined) return;
    const lentUntilMs = performance.now() + HAND_OVER_MS;
    while (dialler.lentCount > 0 && performance.now() < lentUntilMs) await sleep(20);
    dialler.stop();
    const deadlineMs = performance.now() + DRAIN_MS;
    while (dialler.bytesInFlight > 0 && performance.now() < deadlineMs) await sleep(10);
  }

  async #run(): Promise<void> {
    const { process } = this;
    const world = this.#world;
    this.#bus = await Bus.connect(world.busOptions(process.name), this.#stop.signal).catch(
      () => undefined,
    );
    const bus = this.#bus;
    if (bus === undefined || this.#stop.signal.aborted) return;
    const dialler = this.#startDialler(bus);
    this.#membership = new Membership(bus, {
      role: 'collector',
      name: process.name,
      parts: world.shards,
      spread: 'hashed',
      owner: {
        // Another thread hears of it a moment later.
        take: (part, epoch) => {
          const shard = Number(part);
          setImmediate(() => dialler.setShard(shard, epoch, world.targetsOf(shard)));
        },
        drop: (part) => {
          setImmediate(() => dialler.lendShard(Number(part)));
          return Promise.resolve();
        },
      },
    });
    await this.#membership.run();
  }

  #startDialler(bus: Bus): Dialler {
    const { topology, log } = bus;
    this.#publisher = new BatchPublisher(bus, hexId(randomBytes(8).readBigUInt64LE(0)));
    this.#dialler = new Dialler({
      options: {
        fleet: FLEET,
        name: this.process.name,
        dialsPerSecond: 100,
        dialsInFlightMax: 50,
        connectTimeoutMs: 2000,
        handshakeTimeoutMs: 2000,
        backoffMsMin: 100,
        backoffMsMax: 2000,
        batchBytesMax: 4 * 1024,
        batchDelayMsMax: 25,
        publishBytesInFlightMax: 64 * 1024,
        creditBytes: 16 * 1024,
        clockSkewMsMax: 300_000,
      },
      laneSubjects: Array.from({ length: topology.lanes }, (_, i) => topology.lane(i).subject),
      publisher: this.#publisher,
      quarantine: new Quarantine(bus),
      catalogues: new CatalogueRegistry(bus, this.#stop.signal),
      tls: undefined,
      insecure: false,
      log,
      onStaleEpoch: () => undefined,
    });
    this.#dialler.start();
    return this.#dialler;
  }
}
