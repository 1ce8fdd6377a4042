import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { Bus } from '../bus/bus.ts';
import type { BusOptions } from '../bus/bus.ts';
import { migrate } from '../store/migrate.ts';
import type { Retention } from '../store/migrate.ts';
import { Store } from '../store/store.ts';
import { ChildServer } from './child-server.ts';
import { clickhouseServer } from './clickhouse-server.ts';
import { freePort } from './free-port.ts';
import { natsServer } from './nats-server.ts';
import type { ServerSpec } from './server-spec.ts';

/** What a test framework offers for cleaning up. */
export interface Teardown {
  teardown(cleanUp: () => unknown): void;
}

export const silentLog: Logger = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' });

/** A real server of a test: its data and its port outlive a kill, so it can be started again. */
export class TestServer {
  readonly port: number;
  readonly #spec: ServerSpec;
  #server: ChildServer;

  private constructor(spec: ServerSpec, port: number) {
    this.#spec = spec;
    this.port = port;
    this.#server = new ChildServer(spec);
  }

  static async start(t: Teardown, spec: ServerSpec, port: number): Promise<TestServer> {
    const server = new TestServer(spec, port);
    t.teardown(() => server.#server.kill());
    await server.#server.ready();
    return server;
  }

  get pid(): number {
    return this.#server.pid!;
  }

  async kill(): Promise<void> {
    await this.#server.kill();
  }

  async startAgain(): Promise<void> {
    this.#server = new ChildServer(this.#spec);
    await this.#server.ready();
  }

  /** Freezes (SIGSTOP) or thaws (SIGCONT) the server. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#server.child.kill(signal);
  }
}

/** A real nats-server with its data in a folder that goes away with the test. */
export async function testNats(t: Teardown): Promise<TestServer> {
  const binary = process.env['ROLLCALL_NATS_SERVER'] ?? 'nats-server';
  const port = await freePort();
  return TestServer.start(t, natsServer({ binary, port, dataDir: testFolder(t) }), port);
}

/** A real ClickHouse; `database` is the one of queries that name none. */
export async function testClickHouse(t: Teardown, database = 'fleet'): Promise<TestServer> {
  const httpPort = await freePort();
  const tcpPort = await freePort();
  const dataDir = testFolder(t);
  const spec = clickhouseServer({ httpPort, tcpPort, dataDir, database });
  return TestServer.start(t, spec, httpPort);
}

export function testBusOptions(port: number, fleet = 'fleet'): BusOptions {
  return {
    fleet,
    lanes: 2,
    laneBytesMax: 64 * 1024 * 1024,
    logBytesMax: 16 * 1024 * 1024,
    servers: [`nats://127.0.0.1:${port}`],
    duplicateWindowMs: 120_000,
    replicas: 1,
    name: 'test',
    log: silentLog,
  };
}

export async function testBus(
  t: Teardown,
  port: number,
  fleet?: string,
  changes: Partial<BusOptions> = {},
): Promise<Bus> {
  const bus = await Bus.connect({ ...testBusOptions(port, fleet), ...changes });
  t.teardown(() => bus.close());
  return bus;
}

export const TEST_RETENTION: Retention = {
  samplesMs: 7 * 86_400_000,
  framesMs: 3 * 86_400_000,
  rollupMinutesMs: 90 * 86_400_000,
  rollupHoursMs: 1095 * 86_400_000,
};

/** A store with the schema in place. */
export async function testStore(t: Teardown, port: number, fleet = 'fleet'): Promise<Store> {
  const store = new Store({
    url: `http://127.0.0.1:${port}`,
    user: 'default',
    database: fleet,
    requestTimeoutMs: 10_000,
  });
  t.teardown(() => store.close());
  await migrate(store, TEST_RETENTION);
  return store;
}

function testFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
