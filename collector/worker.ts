import { parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { BatchPublisher } from '../pipeline/bus/batch-publisher.ts';
import { Bus } from '../pipeline/bus/bus.ts';
import { TlsFiles } from '../pipeline/dial/tls-files.ts';
import { reasonOf, RollcallError } from '../pipeline/error.ts';
import { LoopPace } from '../pipeline/process/loop-pace.ts';
import { decodeTargets } from '../pipeline/targets/target.ts';
import { hexId } from '../pipeline/wire/shard.ts';
import { randomBytes } from 'node:crypto';
import { CatalogueRegistry } from './catalogue-registry.ts';
import { Dialler } from './dialler.ts';
import { Quarantine } from './quarantine.ts';
import { registerDiallerMetrics } from './dialler-metrics.ts';
import type { FromWorker, ToWorker, WorkerSetup } from './worker-protocol.ts';

/*
 * A worker thread: its share of the targets, a NATS connection of its own, and nothing shared with the
 * others.
 */
const TLS_REFRESH_MS = 10_000;
const HAND_OVER_MS = 1500;
const DRAIN_MS = 1500;

const setup = workerData as WorkerSetup;
const log = pino({ level: setup.logLevel, base: { worker: setup.index } }, pino.destination(2));
const stop = new AbortController();
const send = (message: FromWorker): void => parentPort!.postMessage(message);

const bus = await Bus.connect({ ...setup.bus, log });
if (setup.dialler.batchBytesMax > bus.payloadBytesMax) {
  throw new RollcallError(
    'batch_too_large',
    `--batch-bytes-max is ${setup.dialler.batchBytesMax}, but NATS takes messages of at most ` +
      `${bus.payloadBytesMax} bytes: lower the one or raise the other (max_payload)`,
  );
}
const publisher = new BatchPublisher(bus, hexId(randomBytes(8).readBigUInt64LE(0)));
const quarantine = new Quarantine(bus);
const tls = setup.tls === undefined ? undefined : new TlsFiles(setup.tls);
const { topology } = bus;
const dialler = new Dialler({
  options: setup.dialler,
  laneSubjects: Array.from({ length: topology.lanes }, (_, i) => topology.lane(i).subject),
  publisher,
  quarantine,
  catalogues: new CatalogueRegistry(bus, stop.signal),
  tls,
  insecure: setup.insecure,
  log,
  onStaleEpoch: (message) => send({ kind: 'stale', message }),
});
const registry = new Registry();
registerDiallerMetrics(registry, { dialler, publisher, quarantine, bus });
dialler.start();
new LoopPace().start();
if (tls !== undefined) setInterval(() => refresh(tls), TLS_REFRESH_MS).unref();

parentPort!.on('message', (message: ToWorker) => {
  if (message.kind === 'shard') {
    dialler.setShard(message.shard, message.epoch, decodeTargets(message.targets));
  } else if (message.kind === 'lend') {
    dialler.lendShard(message.shard);
  } else if (message.kind === 'measure') {
    void registry.getMetricsAsJSON().then((metrics) => send({ kind: 'metrics', metrics }));
  } else {
    void shutDown(message.isSucceeded);
  }
});
send({ kind: 'ready' });

function refresh(files: TlsFiles): void {
  try {
    if (files.refresh()) log.info('TLS certificates reloaded');
  } catch (error) {
    log.error({ reason: reasonOf(error) }, 'TLS certificates could not be reloaded');
  }
}

/**
 * Lets others take over the agents that were lent to them, hangs up, gives what was taken a moment to
 * reach the stream, and ends.
 */
async function shutDown(isSucceeded: boolean): Promise<void> {
  const lentUntilMs = isSucceeded ? performance.now() + HAND_OVER_MS : 0;
  while (dialler.lentCount > 0 && performance.now() < lentUntilMs) await sleep(20);
  dialler.stop();
  const deadlineMs = performance.now() + DRAIN_MS;
  while (dialler.bytesInFlight > 0 && performance.now() < deadlineMs) await sleep(10);
  stop.abort();
  publisher.stop();
  await bus.close().catch(() => undefined);
  parentPort!.close();
}
