/** What must never happen has happened: the seed that shows it is worth more than the message. */
export class Violation extends Error {
  override readonly name = 'Violation';
  /** Which invariant, lower_snake_case. */
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
