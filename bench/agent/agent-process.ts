import { connect } from 'node:net';
import { ChildServer } from '../../pipeline/embedded/child-server.ts';
import { freePort } from '../../pipeline/embedded/free-port.ts';

export interface AgentProcessOptions {
  /** What runs the agent, with what has to stand before the agent's own flags. */
  readonly command: readonly [program: string, ...args: string[]];
  readonly flags: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface AgentProcess {
  readonly server: ChildServer;
  readonly port: number;
  readonly metricsUrl: string;
}

/** Starts an agent as a process of its own, as a server would run it. */
export async function startAgent(options: AgentProcessOptions): Promise<AgentProcess> {
  const [port, metricsPort] = [await freePort(), await freePort()];
  const [program, ...args] = options.command;
  const server = new ChildServer({
    name: 'agent',
    command: program,
    args: [
      ...args,
      `--listen=127.0.0.1:${port}`,
      `--metrics-listen=127.0.0.1:${metricsPort}`,
      ...options.flags,
    ],
    ...(options.env !== undefined && { env: options.env }),
    stopBy: 'SIGTERM',
    stopTimeoutMs: 3000,
    isReady: () => accepts(metricsPort),
  });
  await server.ready();
  return { server, port, metricsUrl: `http://127.0.0.1:${metricsPort}/metrics` };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => answer(true));
    socket.once('error', () => answer(false));
  });
}
