/** What a process does with the parts it owns. */
export interface PartOwner {
  /**
   * The part is ours from now on, under this epoch. `giveUp` is for when we cannot work on it although it
   * is ours: others may try first, and if it comes back to us its epoch is higher.
   */
  take(part: string, epoch: number, giveUp: () => void): void;
  /**
   * The part goes to another member: resolves when our work on it has ended, or may overlap with the
   * successor's. `lost` means that another member has it already, because it held us for dead.
   */
  drop(part: string, why: 'moved' | 'lost'): Promise<void>;
}
