import {
  LABEL_VALUE_BYTES_MAX,
  METRIC_NAME_BYTES_MAX,
  type Label,
} from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/**
 * Declares one series for each metric, all with the same labels, and returns their slots in the
 * same order. Null, and a malformed count, if a label's value is longer than a catalogue may hold.
 */
export function declareRow(
  sink: SeriesSink,
  source: string,
  metrics: readonly Metric[],
  labels: readonly Label[],
): Int32Array | null {
  for (const [label, value] of labels) {
    if (Buffer.byteLength(value) > LABEL_VALUE_BYTES_MAX) {
      sink.malformed(source, `${label} is longer than ${LABEL_VALUE_BYTES_MAX} bytes`);
      return null;
    }
  }
  return Int32Array.from(metrics, (metric) => sink.declare(metric, labels));
}

/** Whether a name that was made from the contents of a file can be a metric's. */
export function isMetricName(name: string): boolean {
  return name.length <= METRIC_NAME_BYTES_MAX && METRIC_NAME.test(name);
}
