import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import t from 'tap';
import { AgentSession } from '../agent-session.ts';
import type { TargetLink } from '../target-link.ts';
import { DIALLER_OPTIONS, testTarget } from './road.ts';

await t.test('an agent that reads nothing of what it is told is let go of', (t) => {
  // Nothing that is written ever leaves.
  const socket = new Duplex({ read: () => undefined, write: () => undefined }) as Socket;
  const ends: string[] = [];
  const link = {
    dialler: {
      options: DIALLER_OPTIONS,
      acknowledgeSoon: () => undefined,
    },
    epoch: 1,
    target: testTarget('reads nothing', 1),
    sessionOf: (): AgentSession => session,
    end(code: string) {
      ends.push(code);
      socket.end();
    },
  } as unknown as TargetLink;
  const session = new AgentSession(link, socket, 0);
  // Every other number: an acknowledgement is as long as it can be.
  let seq = 1;
  for (let round = 0; round < 5; round += 1) {
    for (let i = 0; i < 1000; i += 1) session.onStored((seq += 2), 100);
    session.acknowledge();
  }
  t.same(ends, [], 'some of it may wait');
  const waiting = socket.writableLength;
  for (let i = 0; i < 100_000; i += 1) session.onStored((seq += 2), 100);
  session.acknowledge();
  t.same(ends, ['too_slow']);
  t.ok(socket.writableLength < waiting + 128 * 1024, 'what waits is bounded');
  session.acknowledge();
  t.same(ends, ['too_slow'], 'it is over');
  t.end();
});
