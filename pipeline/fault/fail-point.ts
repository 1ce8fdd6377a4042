import { RollcallError } from '../error.ts';

/**
 * Places where a fault run may end, block or fail a process: one at each boundary between two parties,
 * where something has been done and nobody has been told yet.
 */
export const FAIL_POINTS = {
  'collector.batch_closed': 'A batch is full or due; nothing of it has been published.',
  'collector.batch_published': 'JetStream has acknowledged a batch; no agent has been told.',
  'collector.frames_acknowledged': 'Agents have been told that their frames are in the stream.',
  'writer.samples_inserted': 'Samples can be seen; the rows of their frames are not in.',
  'writer.frames_inserted': 'Samples and frames can be seen; their minute is not stored.',
  'writer.run_begun': "Queries show the rows of this writer, and its predecessor's no longer.",
  'writer.minutes_inserted': 'A slice of a minute is in; the closing is not committed.',
  'writer.records_inserted': 'A whole minute is in, with its frames; the closing is not committed.',
  'writer.closing_committed': 'A minute is stored for good; JetStream still has its batches.',
  'writer.rollup_inserted': 'A slice of a roll-up is in; the roll-up is not committed.',
  'writer.rollup_committed': 'A roll-up is committed; its owner does not know.',
  'alerter.transitions_recorded': 'Transitions are in the log; the position in the lane is older.',
  'alerter.snapshot_written': 'A snapshot is on the bus; the lane has not been trimmed to it.',
  'delivery.attempt_recorded': 'The log says that a page is about to be sent; it has not been.',
  'delivery.sent': 'A receiver has taken a page; the log does not say so.',
  'delivery.recorded': 'The log says that a page has been sent.',
  'membership.claimed': 'A part has been claimed; its work has not begun.',
  'membership.released': 'A part has been given up.',
} as const;

export type FailPointName = keyof typeof FAIL_POINTS;

/** `kill`: SIGKILL to the own process. `hang`: blocks the thread for ever. `error`: throws. */
export type FailAction = 'kill' | 'hang' | 'error';

export interface ArmedPoint {
  readonly action: FailAction;
  /** The pass at which it acts, from 1; it does so once. */
  readonly pass: number;
}

/** Read once, when the process starts; a worker thread has its parent's, and counts its own passes. */
export const FAIL_POINTS_VARIABLE = 'ROLLCALL_FAIL_POINTS';

const ENTRY = /^(?<name>[a-z_.]+)=(?<action>kill|hang|error)(?:@(?<pass>[1-9]\d{0,8}))?$/;

const given = process.env[FAIL_POINTS_VARIABLE];
const armed = given === undefined || given === '' ? undefined : parseFailPoints(given);
const passes = new Map<FailPointName, number>();

/**
 * Acts if this point was armed by `ROLLCALL_FAIL_POINTS` when the process started and this is the pass
 * it waits for. Otherwise it does nothing, at the cost of one comparison.
 *
 * @throws RollcallError `fail_point`, retryable, for the action `error`
 */
export function failPoint(name: FailPointName): void {
  if (armed === undefined) return;
  const point = armed.get(name);
  if (point === undefined) return;
  const pass = (passes.get(name) ?? 0) + 1;
  passes.set(name, pass);
  if (pass === point.pass) act(name, point.action);
}

/**
 * `name=action@pass`, separated by commas, such as `writer.samples_inserted=kill@3`. Without a pass the
 * first one is meant.
 *
 * @throws RollcallError `fail_points_invalid`
 */
export function parseFailPoints(text: string): ReadonlyMap<FailPointName, ArmedPoint> {
  const points = new Map<FailPointName, ArmedPoint>();
  for (const entry of text.split(',')) {
    const groups = ENTRY.exec(entry.trim())?.groups;
    if (groups === undefined) throw invalid(`'${entry}' is not name=kill|hang|error[@pass]`);
    const {
      name,
      action,
      pass = '1',
    } = groups as { name: string; action: FailAction; pass?: string };
    if (!isFailPoint(name)) {
      throw invalid(`there is no '${name}'; there are ${Object.keys(FAIL_POINTS).join(', ')}`);
    }
    if (points.has(name)) throw invalid(`'${name}' is there twice`);
    points.set(name, { action, pass: Number(pass) });
  }
  return points;
}

function isFailPoint(name: string): name is FailPointName {
  return Object.hasOwn(FAIL_POINTS, name);
}

function invalid(reason: string): RollcallError {
  return new RollcallError('fail_points_invalid', `${FAIL_POINTS_VARIABLE}: ${reason}`);
}

function act(name: FailPointName, action: FailAction): void {
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      // The signal is delivered at once, but nothing says before which instruction.
      return block();
    case 'hang':
      return block();
    case 'error':
      throw new RollcallError('fail_point', `the fail-point ${name} was reached`, {
        retryable: true,
      });
  }
}

function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
