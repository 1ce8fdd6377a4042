import { z } from 'zod';
import { reasonOf, RollcallError } from '../error.ts';
import type { NotificationRecord } from './notification-record.ts';
import type { TransitionRecord } from './transition.ts';

/*
 * Records are JSON: they are few, and whoever looks at the log with a NATS tool should be able to read
 * them.
 */
const state = z.enum(['inactive', 'pending', 'firing']);
const texts = z.record(z.string(), z.string());
/** JSON has no NaN and no infinities: they travel as text. */
const value = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]).transform(Number);

const hex = z.string().regex(/^[0-9a-f]{16}$/);
const count = z.number().int().min(0);

const cause = z.object({ run: hex, seq: count, arrivalMs: z.number(), laneMs: z.number() });
const transition = z.object({
  alert: z.string(),
  state,
  previous: state,
  reason: z.enum(['condition', 'stale', 'rule_changed', 'target_removed']),
  ruleKey: z.string(),
  seriesKey: z.string(),
  fingerprint: hex,
  targetId: hex,
  timeMs: z.number(),
  activeAtMs: z.number(),
  firedAtMs: z.number(),
  value,
  labels: texts,
  annotations: texts,
  cause: cause.optional(),
});
const stopwatch = cause.extend({
  targetId: hex,
  ruleKey: z.string(),
  seriesKey: z.string(),
  holds: z.boolean(),
  elapsedMs: z.number().min(0),
  sampleMs: z.number(),
});
/** How far a lane has been evaluated; also what a position and a snapshot say. */
export const lanePlace = z.object({
  laneSeq: count,
  framesDone: count.optional(),
  streamId: z.number().optional(),
  laneMs: z.number().optional(),
  arrivalMs: z.number().optional(),
});
const transitionRecord = lanePlace.extend({
  lane: z.string(),
  epoch: count.optional(),
  member: z.string().optional(),
  transitions: z.array(transition),
  stopwatches: z.array(stopwatch).optional(),
});
const notificationRecord = z.object({
  receiver: z.string(),
  key: z.string(),
  groupKey: z.string(),
  status: z.enum(['firing', 'resolved']),
  alertname: z.string(),
  alerts: count,
  attempts: count,
  outcome: z.enum(['delivered', 'rejected']),
  detail: z.string(),
  timeMs: z.number(),
});

export function encodeRecord(record: TransitionRecord | NotificationRecord): Uint8Array {
  return Buffer.from(
    JSON.stringify(record, (_key, item: unknown) => {
      // Half a surrogate pair, which no database takes.
      if (typeof item === 'string') return item.toWellFormed();
      return typeof item === 'number' && !Number.isFinite(item) ? String(item) : item;
    }),
  );
}

/** @throws RollcallError `bad_record` */
export const decodeTransitions = (data: Uint8Array): TransitionRecord =>
  decode(transitionRecord, data);

/** @throws RollcallError `bad_record` */
export const decodeNotification = (data: Uint8Array): NotificationRecord =>
  decode(notificationRecord, data);

function decode<T>(schema: z.ZodType<T>, data: Uint8Array): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(data).toString()));
  } catch (cause) {
    throw new RollcallError(
      'bad_record',
      `a record of the log does not decode: ${reasonOf(cause)}`,
      {
        cause,
      },
    );
  }
}
