/** More targets of a fleet than an agent ever is, renamed again and again. */
const TARGETS_MAX = 16;

/**
 * The highest epoch seen from each target of a fleet, of the 16 seen last. Epochs count per shard, and the
 * shard follows from the target's name: those of two targets cannot be compared.
 */
export class TargetEpochs {
  readonly #highest = new Map<string, number>();

  /** Undefined if the target is new, or long forgotten. */
  highestOf(target: string): number | undefined {
    return this.#highest.get(target);
  }

  /** The target was seen under `epoch`, which is not below the highest. */
  raise(target: string, epoch: number): void {
    // The order of the map is that of the latest sight.
    this.#highest.delete(target);
    this.#highest.set(target, epoch);
    if (this.#highest.size <= TARGETS_MAX) return;
    const [oldest] = this.#highest.keys();
    this.#highest.delete(oldest!);
  }
}
