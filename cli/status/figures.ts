/** Figures of a component, or of all of its kind. */
export interface Figures {
  /** The sum of all series of a metric; undefined if there is none. */
  sum(name: string): number | undefined;
}
