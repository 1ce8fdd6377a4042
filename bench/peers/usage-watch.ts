import type { PartUsage, Peer } from './peer.ts';

const LOOK_EVERY_MS = 500;

/** Looks at what the parts of a system use, again and again. */
export class UsageWatch {
  readonly #peer: Peer;
  readonly #timer: NodeJS.Timeout;
  readonly #peaks = new Map<string, number>();
  #peak = 0;

  constructor(peer: Peer) {
    this.#peer = peer;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  /** Most resident memory of all parts together, bytes. */
  get peakBytes(): number {
    return this.#peak;
  }

  peakBytesOf(part: string): number {
    return this.#peaks.get(part) ?? 0;
  }

  look(): readonly PartUsage[] {
    const usage = this.#peer.usage();
    for (const { part, rssBytes } of usage) {
      this.#peaks.set(part, Math.max(this.peakBytesOf(part), rssBytes));
    }
    const total = usage.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    this.#peak = Math.max(this.#peak, total);
    return usage;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** CPU that each part has used between two looks, ns. */
export function usedNs(
  before: readonly PartUsage[],
  after: readonly PartUsage[],
): ReadonlyMap<string, number> {
  const earlier = new Map(before.map(({ part, cpuNs }) => [part, cpuNs]));
  return new Map(after.map(({ part, cpuNs }) => [part, cpuNs - (earlier.get(part) ?? 0)]));
}
