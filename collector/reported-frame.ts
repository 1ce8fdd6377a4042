import {
  catalogueHash,
  CATALOGUE_BYTES_MAX,
  CATALOGUE_SERIES_MAX,
} from '../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../pipeline/wire/catalogue.ts';
import {
  FRAME_SLOTS_MAX,
  frameBytes,
  PRESENCE_AT,
  presenceBytes,
  setPresent,
  stampShape,
  valuesAt,
} from '../pipeline/wire/frame.ts';
import { concatArrays } from '../pipeline/wire/msgpack.ts';
import { REPORT_CATALOGUE, REPORT_SLOTS, reportValues } from './target-report.ts';
import type { Report } from './target-report.ts';

const SLOTS_MAX = Math.min(FRAME_SLOTS_MAX, CATALOGUE_SERIES_MAX);
const REPORT_NAMES: ReadonlySet<string> = new Set(REPORT_CATALOGUE.series.map(({ name }) => name));

/**
 * An agent's catalogue with the series of reports behind its own, so that what is said of a target needs no frame of its own. Undefined if
 * it has no room for them, or has one of their names itself.
 */
export function reportedCatalogue({ series, payload }: Catalogue): Catalogue | undefined {
  if (series.length + REPORT_SLOTS > SLOTS_MAX) return undefined;
  if (series.some(({ name }) => REPORT_NAMES.has(name))) return undefined;
  const all = concatArrays(payload, REPORT_CATALOGUE.payload);
  if (all.length > CATALOGUE_BYTES_MAX) return undefined;
  return {
    hash: catalogueHash(all),
    series: [...series, ...REPORT_CATALOGUE.series],
    payload: all,
  };
}

/** Length in bytes of an agent's frame with room for a report. */
export function reportedFrameBytes(slots: number): number {
  return frameBytes(slots + REPORT_SLOTS);
}

/**
 * Copies an agent's frame to `at` with a report behind its values.
 *
 *     agent's     head  presence        values
 *     becomes     head' presence ..1111 values report
 *
 * @param slots of the agent's frame
 * @param catalogue hash of its `reportedCatalogue`
 * @param report undefined if nothing is said of the target at that time
 */
export function writeReportedFrame(
  batch: Buffer,
  at: number,
  source: Buffer,
  offset: number,
  slots: number,
  catalogue: bigint,
  report: Report | undefined,
): void {
  const bitmapBytes = presenceBytes(slots);
  const valuesBegin = offset + PRESENCE_AT + bitmapBytes;
  const reportAt = at + valuesAt(slots + REPORT_SLOTS) + 8 * slots;
  source.copy(batch, at, offset, valuesBegin);
  stampShape(batch, at, catalogue, slots + REPORT_SLOTS);
  batch.fill(0, at + PRESENCE_AT + bitmapBytes, at + valuesAt(slots + REPORT_SLOTS));
  source.copy(batch, reportAt - 8 * slots, valuesBegin, valuesBegin + 8 * slots);
  const values = report === undefined ? NOTHING : reportValues(report);
  for (let i = 0; i < REPORT_SLOTS; i += 1) {
    const value = values[i];
    batch.writeDoubleLE(value ?? 0, reportAt + 8 * i);
    setPresent(batch, at, slots + i, value !== undefined);
  }
}

const NOTHING: readonly undefined[] = [];
