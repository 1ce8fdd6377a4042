import { z } from 'zod';

/** What a member says of itself every second, on `{fleet}.alive.{role}.{member id}`. */
export interface Presence {
  /** Names this run of the process; a subject token. */
  readonly id: string;
  /** For people: the setting `member`. */
  readonly name: string;
  /** When it began, by its own clock, ms. For people only. */
  readonly startedMs: number;
  /** What it is able to own; subject tokens. */
  readonly offers: readonly string[];
  /** How many of them it owns at present. */
  readonly owns: number;
  /** It is about to stop: others need not wait for its silence. */
  readonly isLeaving: boolean;
}

const presence = z.object({
  id: z.string(),
  name: z.string(),
  startedMs: z.number(),
  offers: z.array(z.string()),
  owns: z.number().int().min(0),
  isLeaving: z.boolean(),
});

export function encodePresence(said: Presence): Uint8Array {
  return Buffer.from(JSON.stringify(said));
}

/** Undefined for what is no presence: somebody else speaks there. */
export function decodePresence(data: Uint8Array): Presence | undefined {
  try {
    return presence.parse(JSON.parse(Buffer.from(data).toString()));
  } catch {
    return undefined;
  }
}
