import { parentPort } from 'node:worker_threads';
import { installVirtualNet, useNetwork } from '../virtual-net.ts';
import { drain, installVirtualTime, useScheduler } from '../virtual-time.ts';

/*
 * Plays `playOnBus` on the simulated NATS and sends what the bus said.
 */
installVirtualTime();
installVirtualNet();
const { Bus } = await import('../../../pipeline/bus/bus.ts');
const { JetStreamApi } = await import('../jetstream-api.ts');
const { NatsServer } = await import('../nats-server.ts');
const { SimulatedProcess } = await import('../simulated-process.ts');
const { World } = await import('../world.ts');
const { playOnBus } = await import('./bus-play.ts');

const SIZE = {
  targets: 1,
  lanes: 2,
  laneBytesMax: 64 * 1024,
  closing: { bytesMax: 64 * 1024, spanMs: 1000, idleMs: 1000 },
  collectors: 0,
  writers: 0,
  faultsMax: 0,
};
const world = new World(1, () => SIZE);
const { scheduler, network } = world;
// Nobody checks these messages, which are no batches.
const jetStream = new JetStreamApi({
  onStored: () => undefined,
  onPurged: () => undefined,
  onLost: () => undefined,
});
useScheduler(scheduler);
useNetwork(network);
const nats = new SimulatedProcess('nats', false);
scheduler.after(0, nats, 'starts', () => {
  const server = new NatsServer(scheduler, nats, jetStream);
  server.listen(network);
});
const played: { transcript?: unknown[] } = {};
const client = new SimulatedProcess('client');
world.start(client, async () => {
  const bus = await Bus.connect(world.busOptions('client'));
  played.transcript = await playOnBus(bus);
});
while (played.transcript === undefined && world.failure === undefined && scheduler.step()) {
  await drain();
}
useScheduler(undefined);
parentPort!.postMessage(played.transcript ?? String(world.failure));
