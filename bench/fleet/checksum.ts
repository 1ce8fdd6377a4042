import type { FleetSource } from './fleet-source.ts';

/**
 * A checksum of a frame's values that does not depend on their order: of each half of a value's 64 bits
 * the sum, modulo 2^32, of the half times an odd weight of its series. Cheap in JavaScript, and the
 * database can compute it from what dashboards see (`stored-frames.ts`).
 */
export interface Checksum {
  low: number;
  high: number;
  /** Values that were present. */
  samples: number;
}

const bits = new Uint32Array(2);
const number = new Float64Array(bits.buffer);
/** x86 and ARM as Node runs on them: the low half comes first. */
const [LOW, HIGH] = [0, 1] as const;

/** The weight of a series that is known by its number: odd, so that no difference of one value is lost. */
export function weightOf(series: number): number {
  return 2 * series + 1;
}

/** Fills `sum` from the values of a source's last reading that were present. */
export function checksum(
  { values, present, weights }: Pick<FleetSource, 'values' | 'present' | 'weights'>,
  sum: Checksum,
): void {
  let [low, high, samples] = [0, 0, 0];
  for (let i = 0; i < values.length; i += 1) {
    if (present[i] !== 1) continue;
    number[0] = values[i]!;
    const weight = weights[i]!;
    low = (low + Math.imul(bits[LOW]!, weight)) | 0;
    high = (high + Math.imul(bits[HIGH]!, weight)) | 0;
    samples += 1;
  }
  sum.low = low >>> 0;
  sum.high = high >>> 0;
  sum.samples = samples;
}
