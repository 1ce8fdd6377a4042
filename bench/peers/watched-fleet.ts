import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { Fleet } from '../fleet/fleet.ts';
import { HttpFleet } from '../fleet/http-fleet.ts';
import { processUsage } from '../process/process-usage.ts';
import type { Peer, PeerTarget } from './peer.ts';
import type { PeersOptions } from './peers-options.ts';
import { targetsOf } from './targets.ts';

const RING_BYTES_MAX = 64 * 1024;
const REACH_MS_MAX = 300_000;
const LOOK_EVERY_MS = 200;

type Spoken =
  | { readonly speaks: 'http'; readonly fleet: HttpFleet }
  | { readonly speaks: 'rollcall'; readonly fleet: Fleet };

/** The same servers for every system, whatever they have to speak. */
export class WatchedFleet {
  readonly #spoken: Spoken;

  private constructor(spoken: Spoken) {
    this.#spoken = spoken;
  }

  static async start(speaks: Peer['speaks'], options: PeersOptions): Promise<WatchedFleet> {
    const { targets: agents, metrics: series, seed } = options;
    const common = { agents, series, seed, port: await freePort() };
    if (speaks === 'http')
      return new WatchedFleet({ speaks, fleet: await HttpFleet.start(common) });
    const fleet = await Fleet.start({
      ...common,
      source: 'recorded',
      ringBytesMax: RING_BYTES_MAX,
    });
    return new WatchedFleet({ speaks, fleet });
  }

  get targets(): PeerTarget[] {
    return targetsOf(this.#spoken.fleet.options);
  }

  get cpuNs(): number {
    return this.#spoken.fleet.pids.reduce((sum, pid) => sum + processUsage(pid).cpuNs, 0);
  }

  /** Ticks of single servers that somebody has asked for. */
  async frames(): Promise<number> {
    const { speaks, fleet } = this.#spoken;
    if (speaks === 'http') return (await fleet.status()).scrapes;
    const { frames, dropped } = await fleet.status();
    return frames - dropped;
  }

  /** Resolves when every server has been asked at least once. @throws RollcallError `not_started` */
  async allReached(): Promise<void> {
    const endMs = performance.now() + REACH_MS_MAX;
    const { agents } = this.#spoken.fleet.options;
    for (;;) {
      const reached = await this.#reached();
      if (reached === agents) return;
      if (performance.now() > endMs) {
        const reason = `only ${reached} of ${agents} servers were ever asked`;
        throw new RollcallError('not_started', reason);
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  /** Says nothing more of its own accord; who scrapes is answered. */
  async fallSilent(): Promise<void> {
    if (this.#spoken.speaks === 'rollcall') await this.#spoken.fleet.setQuiet(true);
  }

  async stop(): Promise<void> {
    await this.#spoken.fleet.stop();
  }

  async #reached(): Promise<number> {
    const { speaks, fleet } = this.#spoken;
    return speaks === 'http' ? (await fleet.status()).reached : (await fleet.status()).ticking;
  }
}
