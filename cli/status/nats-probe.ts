import { connect } from 'node:net';

const TIMEOUT_MS = 1000;
const DEFAULT_PORT = 4222;

/** Whether any of the servers greets as a NATS server does. Nothing is said to it. */
export async function natsAnswers(servers: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(servers.map((server) => greets(server)));
  return answers.includes(true);
}

function greets(server: string): Promise<boolean> {
  const url = URL.parse(server.includes('://') ? server : `nats://${server}`);
  if (url === null) return Promise.resolve(false);
  const host = url.hostname.replaceAll(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect(Number(url.port || DEFAULT_PORT), host);
    const answer = (is: boolean): void => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(TIMEOUT_MS, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
    socket.once('data', (greeting) => answer(greeting.subarray(0, 5).toString() === 'INFO '));
  });
}
