import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus } from '../../../pipeline/bus/bus.ts';
import { StreamReader } from '../../../pipeline/bus/stream-reader.ts';
import type { StreamReaderOptions } from '../../../pipeline/bus/stream-reader.ts';
import { RollcallError } from '../../../pipeline/error.ts';

/*
 * What a bus is asked, on whichever server, and what it said: without times and with nothing that
 * differs from run to run.
 */
async function said(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RollcallError)) return String(error);
    return [error.code, error.retryable, /maximum bytes/.test(error.message)];
  }
}

/** The first `count` messages that a reader hands over. */
async function read(bus: Bus, options: StreamReaderOptions, count: number): Promise<unknown[]> {
  const reader = new StreamReader(bus, options);
  const messages: unknown[] = [];
  for await (const { seq, subject, data, pending } of reader) {
    messages.push([seq, subject, Buffer.from(data).toString('latin1', 0, 8), pending]);
    if (messages.length === count) break;
  }
  reader.stop();
  return messages;
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Needs a fleet of its own with lanes of 64 KiB. */
export async function playOnBus(bus: Bus): Promise<unknown[]> {
  const { topology } = bus;
  const lane = topology.lane(0);
  const state = topology.stateSubject('owner', 'writer', '4x0');
  const other = topology.stateSubject('owner', 'writer', '4x1');
  const transcript: unknown[] = [];
  const tell = async (work: Promise<unknown>): Promise<void> => {
    transcript.push(await said(work));
  };
  await tell(bus.publish(lane.subject, bytes('one'), { id: 'a-1' }));
  await tell(bus.publish(lane.subject, bytes('two'), { id: 'a-2' }));
  await tell(bus.publish(lane.subject, bytes('one'), { id: 'a-1' }));
  await tell(bus.publish(state, bytes('A1'), { lastSeq: 0 }));
  await tell(bus.publish(state, bytes('B1'), { lastSeq: 0 }));
  await tell(bus.publish(state, bytes('A2'), { lastSeq: 1 }));
  await tell(bus.publish(other, bytes('C1'), { lastSeq: 0 }));
  await tell(bus.publish(state, bytes('A3'), { lastSeq: 2 }));
  transcript.push((await bus.last(topology.stateStream, state))?.seq);
  transcript.push(await bus.last(topology.stateStream, `${state}9`));
  transcript.push((await bus.subjects(topology.stateStream, `${topology.fleet}.state.>`)).length);
  for (let i = 3; i <= 9; i += 1) await tell(bus.publish(lane.subject, bytes(`message ${i}`)));
  const stream = lane.stream;
  transcript.push(await read(bus, { stream, from: 1 }, 9));
  transcript.push(await read(bus, { stream, from: 5 }, 3));
  const stateStream = topology.stateStream;
  const all = `${topology.fleet}.state.owner.>`;
  const current = { stream: stateStream, subject: all, from: 'last_per_subject' } as const;
  transcript.push(await read(bus, current, 2));
  await tell(bus.trim(stream, 4));
  await tell(bus.publish(lane.subject, bytes('one'), { id: 'a-1' }));
  const { messages, first_seq: first, last_seq: last } = (await bus.streamInfo(stream)).state;
  transcript.push([messages, first, last]);
  transcript.push(await read(bus, { stream, from: 1 }, 2));
  transcript.push((await bus.publishedAtMs(stream, 2)) === undefined);
  // A message that comes while a reader waits for one.
  const waiting = read(bus, { stream, from: last + 1 }, 1);
  await sleep(300);
  await tell(bus.publish(lane.subject, bytes('late')));
  transcript.push(await waiting);
  const large = Buffer.alloc(20_000, 'x');
  for (let i = 0; i < 4; i += 1) await tell(bus.publish(lane.subject, large));
  await tell(bus.trim(stream, last + 3));
  await tell(bus.publish(lane.subject, large));
  transcript.push((await bus.streamNames()).map((name) => name.slice(topology.fleet.length)));
  return transcript.concat([(await bus.lanes()).map(({ index, count }) => [index, count])]);
}
