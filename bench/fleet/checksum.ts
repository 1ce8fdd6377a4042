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

/** The values that were summed last, as halves of 64 bits: hosts that repeat a recording share theirs. */
let seen: Float64Array = new Float64Array(0);
let bits: Uint32Array = new Uint32Array(0);
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
  if (seen !== values) {
    seen = values;
    bits = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  }
  let low = 0;
  let high = 0;
  let samples = 0;
  for (let i = 0; i < values.length; i += 1) {
    if (present[i] !== 1) continue;
    const weight = weights[i]!;
    low = (low + Math.imul(bits[2 * i + LOW]!, weight)) | 0;
    high = (high + Math.imul(bits[2 * i + HIGH]!, weight)) | 0;
    samples += 1;
  }
  sum.low = low >>> 0;
  sum.high = high >>> 0;
  sum.samples = samples;
}
