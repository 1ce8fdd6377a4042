import type { Target } from '../pipeline/targets/target.ts';
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

/** What the collector itself says of each target, every interval, as samples of that target. */
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
  readonly target: Target;
  readonly isUp: boolean;
  readonly connectSeconds: number | undefined;
  readonly clockSkewSeconds: number | undefined;
  readonly framesQuarantined: number;
}

const SLOTS = REPORT_CATALOGUE.series.length;
const frame = Buffer.alloc(frameBytes(SLOTS));
const values = new Float64Array(SLOTS);
const presence = new Uint8Array(presenceBytes(SLOTS));

/** Writes a report as a frame of whoever reports; the buffer is reused. */
export function reportFrame(
  report: Report,
  incarnation: bigint,
  seq: number,
  timestampMs: number,
): Buffer {
  const { isUp, connectSeconds, clockSkewSeconds, framesQuarantined } = report;
  values[0] = isUp ? 1 : 0;
  values[1] = connectSeconds ?? 0;
  values[2] = clockSkewSeconds ?? 0;
  values[3] = framesQuarantined;
  presence[0] =
    1 | (connectSeconds === undefined ? 0 : 2) | (clockSkewSeconds === undefined ? 0 : 4) | 8;
  const head = { incarnation, seq, timestampMs, catalogue: REPORT_CATALOGUE.hash, slots: SLOTS };
  writeFrame(frame, 0, head, presence, values);
  return frame;
}
