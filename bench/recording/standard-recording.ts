import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { decodeRecording } from './recording-codec.ts';
import type { Recording } from './recording.ts';

/** The recording that comes with the project; `README.md` says what was recorded. */
export const STANDARD_RECORDING = fileURLToPath(new URL('standard.recording', import.meta.url));

/** @throws RollcallError `recording_invalid` */
export function standardRecording(): Recording {
  return decodeRecording(readFileSync(STANDARD_RECORDING));
}
