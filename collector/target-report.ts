import { encodeCatalogue } from '../pipeline/wire/catalogue.ts';
import type { SeriesInfo } from '../pipeline/wire/catalogue.ts';
import { frameBytes, presenceBytes, writeFrame } from '../pipeline/wire/frame.ts';

const gauge = (name: string, unit: string, help: string): SeriesInfo => ({
  name,
  labels: [],
  kind: 'gauge',
  unit,
  help,
});

/**
 * What the collector itself says of each target, every interval, as samples of that target: behind those of the agent's frame,
 * or as a frame of its own where there is none.
 */
export const REPORT_CATALOGUE = encodeCatalogue([
  gauge('up', '', '1 if the target answers, 0 if it does not.'),
  gauge(
    'rollcall_target_connect_seconds',
    'seconds',
    'Time from dialling the target to its first answer.',
  ),
  gauge(
    'rollcall_target_clock_skew_seconds',
    'seconds',
    "The target's clock less the collector's; absent until measured.",
  ),
  gauge(
    'rollcall_target_frames_quarantined',
    'frames',
    'Frames since the last report whose time cannot be true; they are not stored.',
  ),
]);

export interface Report {
  readonly isUp: boolean;
  readonly connectSeconds: number | undefined;
  readonly clockSkewSeconds: number | undefined;
  readonly framesQuarantined: number;
}

export const REPORT_SLOTS = REPORT_CATALOGUE.series.length;
const frame = Buffer.alloc(frameBytes(REPORT_SLOTS));
const values = new Float64Array(REPORT_SLOTS);
const presence = new Uint8Array(presenceBytes(REPORT_SLOTS));

/** The values of a report by slot; undefined is an absent one. */
export function reportValues(report: Report): readonly (number | undefined)[] {
  const { isUp, connectSeconds, clockSkewSeconds, framesQuarantined } = report;
  return [Number(isUp), connectSeconds, clockSkewSeconds, framesQuarantined];
}

/** Writes a report as a frame of whoever reports; the buffer is reused. */
export function reportFrame(
  report: Report,
  incarnation: bigint,
  seq: number,
  timestampMs: number,
): Buffer {
  presence[0] = 0;
  for (const [slot, value] of reportValues(report).entries()) {
    values[slot] = value ?? 0;
    if (value !== undefined) presence[0] |= 1 << slot;
  }
  const { hash: catalogue } = REPORT_CATALOGUE;
  const head = { incarnation, seq, timestampMs, catalogue, slots: REPORT_SLOTS };
  writeFrame(frame, 0, head, presence, values);
  return frame;
}
