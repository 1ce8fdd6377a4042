/** Samples taken together: how many, and a number that is another one for other samples. */
export interface SampleSum {
  readonly rows: number;
  readonly digest: number;
}

export const NO_SAMPLES: SampleSum = { rows: 0, digest: 0 };

const bits = new DataView(new ArrayBuffer(8));

/** One sample. */
export function sampleSum(metric: bigint, value: number): SampleSum {
  bits.setFloat64(0, value);
  let digest = Number(BigInt.asUintN(32, metric));
  digest = Math.imul(digest ^ bits.getUint32(0), 0x9e3779b1);
  digest = Math.imul((digest ^ (digest >>> 15)) + bits.getUint32(4), 0x85ebca6b);
  return { rows: 1, digest: (digest ^ (digest >>> 13)) >>> 0 };
}

/** `b` is taken `times` times, -1 to take it away. In whatever order sums are made, they are the same. */
export function addSums(a: SampleSum, b: SampleSum, times = 1): SampleSum {
  return { rows: a.rows + times * b.rows, digest: (a.digest + times * b.digest) >>> 0 };
}

export function isSameSum(a: SampleSum, b: SampleSum): boolean {
  return a.rows === b.rows && a.digest === b.digest;
}
