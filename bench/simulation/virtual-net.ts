import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import type { SimulatedNetwork } from './simulated-network.ts';
import type { SimulatedSocket, SocketOptions } from './simulated-socket.ts';

let network: SimulatedNetwork | undefined;

/** The network that the product dials and listens on from now on. */
export function useNetwork(next: SimulatedNetwork | undefined): void {
  network = next;
}

function running(): SimulatedNetwork {
  if (network === undefined) throw new Error('no schedule runs: there is no network');
  return network;
}

function connect(
  to: SocketOptions | number | string,
  hostOrDone?: string | (() => void),
  done?: () => void,
): SimulatedSocket {
  if (typeof to === 'object') return running().dial(to, hostOrDone as (() => void) | undefined);
  return running().dial({ port: Number(to) }, done);
}

function createServer(
  _options: unknown,
  onConnection: (socket: SimulatedSocket) => void,
): ReturnType<SimulatedNetwork['createListener']> {
  return running().createListener(onConnection);
}

/** Puts the simulated network in the place of this thread's; see `installVirtualTime`. */
export function installVirtualNet(): void {
  Object.assign(net, { connect, createConnection: connect, createServer });
  syncBuiltinESMExports();
}
