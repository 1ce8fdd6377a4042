/** What one evaluator of a lane counts. */
export class LaneEvaluatorCounters {
  messages = 0;
  transitions = 0;
  /** Transitions that were not recorded: the record was larger than NATS takes. */
  lostTransitions = 0;
  pending = 0;
  unknownCatalogueFrames = 0;
  badBatches = 0;
  /** Messages that were trimmed before they were evaluated. */
  missedMessages = 0;
  /** Age of the newest frame when its evaluation ended, seconds. */
  latencySeconds = 0;
  /** Attempts on NATS that were made again. */
  retries = 0;
}
