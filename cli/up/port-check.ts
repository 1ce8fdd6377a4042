import { createServer } from 'node:net';
import { RollcallError } from '../../pipeline/error.ts';
import { portOwners } from './port-owner.ts';
import type { PortOwner } from './port-owner.ts';

/** A port that one of our components is going to listen on. */
export interface PortNeed {
  readonly port: number;
  /** The component, such as `nats-server`. */
  readonly neededBy: string;
  /** The flag that chooses another port, such as `--nats-port`. */
  readonly setting: string;
}

export interface TakenPort extends PortNeed {
  /** Why we cannot listen on it, as the system says it, such as `EADDRINUSE`. */
  readonly reason: string;
  /** Undefined when it cannot be seen. */
  readonly owner: PortOwner | undefined;
}

/**
 * Makes sure that the ports of 127.0.0.1 can be listened on, before anything is started.
 *
 * @throws RollcallError `ports_taken` that lists all those that cannot
 */
export async function checkPorts(needs: readonly PortNeed[]): Promise<void> {
  const taken = await takenPorts(needs);
  if (taken.length === 0) return;
  throw new RollcallError('ports_taken', taken.map((port) => describe(port)).join('\n'));
}

/** The same as a value. A port is tried by listening on it, and let go before the next is tried. */
export async function takenPorts(needs: readonly PortNeed[]): Promise<TakenPort[]> {
  const refused: (PortNeed & { reason: string })[] = [];
  for (const need of needs) {
    const reason = await refusalOf(need.port);
    if (reason !== undefined) refused.push({ ...need, reason });
  }
  const owners = portOwners(refused.map(({ port }) => port));
  return refused.map((need) => ({ ...need, owner: owners.get(need.port) }));
}

/** @returns why 127.0.0.1 cannot be listened on at this port, or undefined if it can */
function refusalOf(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

function describe({ port, neededBy, setting, reason, owner }: TakenPort): string {
  const need = `port ${port}, for ${neededBy},`;
  if (reason !== 'EADDRINUSE') {
    return `${need} cannot be used (${reason}): choose another one with ${setting}`;
  }
  const holder = owner === undefined ? 'another process' : `${owner.command} (pid ${owner.pid})`;
  return `${need} is taken by ${holder}: end that or choose another port with ${setting}`;
}
