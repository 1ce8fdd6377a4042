import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that Linux gives to connections by default: thousands of them would take one that is only meant to be used. */
const FIRST = 20_000;
const END = 32_768;
const TRIES_MAX = 100;

/** A port that is free right now on all addresses. Somebody may take it before it is used. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among ${TRIES_MAX} between ${FIRST} and ${END - 1}`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  return promise;
}
