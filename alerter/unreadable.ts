import type { Bus } from '../pipeline/bus/bus.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';

const UNREADABLE = 'state_unreadable';
const TOO_LARGE = 'record_too_large';

/**
 * What lies on a subject of the stream of states is nothing that this version writes. It is not replaced: a
 * later version may have written it.
 *
 * @param subject may end with a wildcard: then all of it has to go
 */
export function unreadable(bus: Bus, subject: string, cause: unknown): RollcallError {
  const { stateStream } = bus.topology;
  const message =
    `${subject} cannot be read (${reasonOf(cause).slice(0, 200)}). If no later version of Rollcall ` +
    `wrote it, delete it: nats stream purge ${stateStream} --subject '${subject}'`;
  return new RollcallError(UNREADABLE, message, { cause, retryable: true });
}

/** What is to be published is larger than NATS takes; trying again cannot help. */
export function tooLarge(subject: string, bytes: number, bytesMax: number): RollcallError {
  const message = `${bytes} bytes for ${subject}, NATS takes ${bytesMax}: raise its max_payload`;
  return new RollcallError(TOO_LARGE, message);
}

export function isTooLarge(error: unknown): boolean {
  return error instanceof RollcallError && error.code === TOO_LARGE;
}

/** Whether a person has to do something, so that it must not be overlooked. */
export function needsPerson(error: unknown): boolean {
  return error instanceof RollcallError && (error.code === UNREADABLE || error.code === TOO_LARGE);
}
