import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { DebianProgram } from './debian-program.ts';
import type { ServerSpec } from './server-spec.ts';

const JETSTREAM_FILE_STORE = '64GB';
/** Lets a catalogue of the largest size through. Production servers need the same setting. */
const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;

/** Debian's nats-server, where there is no other. */
export const natsServerProgram: DebianProgram = {
  package: 'nats-server',
  path: 'usr/sbin/nats-server',
  flag: '--nats-server-path',
};

export interface NatsServerOptions {
  readonly binary: string;
  readonly port: number;
  readonly dataDir: string;
}

/** nats-server with JetStream on loopback. */
export function natsServer({ binary, port, dataDir }: NatsServerOptions): ServerSpec {
  mkdirSync(dataDir, { recursive: true });
  const config = join(dataDir, 'nats.conf');
  writeFileSync(
    config,
    [
      `listen: "127.0.0.1:${port}"`,
      `max_payload: ${PAYLOAD_BYTES_MAX}`,
      // A slow reader may have this much waiting before the server cuts it off.
      `max_pending: ${64 * 1024 * 1024}`,
      `jetstream { store_dir: ${JSON.stringify(dataDir)}, max_file_store: ${JETSTREAM_FILE_STORE} }`,
      '',
    ].join('\n'),
  );
  return {
    name: 'nats-server',
    command: binary,
    args: ['-c', config],
    stopBy: 'SIGTERM',
    stopTimeoutMs: 3000,
    isReady: () => greets(port),
  };
}

/** A NATS server says INFO as soon as somebody connects. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.setTimeout(1000, () => answer(false));
    socket.once('error', () => answer(false));
    socket.once('data', (data: Buffer) => answer(data.toString().startsWith('INFO')));
  });
}
