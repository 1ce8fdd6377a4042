import { pino } from 'pino';
import { Bus } from '../../../pipeline/bus/bus.ts';
import { reasonOf } from '../../../pipeline/error.ts';
import type { SeededRandom } from '../../fleet/random.ts';
import type { FaultCase } from '../fault-case.ts';
import type { FaultRun } from '../fault-run.ts';
import { FLEET_NAME } from '../../system/system.ts';
import type { System } from '../../system/system.ts';

export const poisonMessages: FaultCase = {
  id: 'F21',
  title: 'poison messages on the stream',
  mustHold: 'they are parked with a reason, and the flow goes on',
  async disturb(run) {
    const bus = await connect(run.system);
    try {
      const rounds = run.either(10, 3);
      let published = 0;
      for (let round = 0; round < rounds; round += 1) {
        published += await poisonLanes(bus, run.random);
        await run.aRandomMoment(1500);
      }
      run.say(`${published} poison messages were published`);
      const isParked = await run.eventually(
        15_000,
        async () => (await run.system.sum('writer', 'rollcall_writer_parked_total')) >= published,
      );
      const parked = await run.system.sum('writer', 'rollcall_writer_parked_total');
      run.check('each is parked', isParked, `${parked} of ${published}`);
      await checkFlow(run);
    } finally {
      await bus.close();
    }
  },
};

/** Beside the components, with their settings, by the fleet's own client. */
function connect({ natsPort, lanes }: System): Promise<Bus> {
  return Bus.connect({
    fleet: FLEET_NAME,
    lanes,
    laneBytesMax: 4 * 1024 ** 3,
    logBytesMax: 256 * 1024 * 1024,
    servers: [`nats://127.0.0.1:${natsPort}`],
    duplicateWindowMs: 120_000,
    replicas: 1,
    name: 'faults',
    log: pino({ level: 'silent' }),
  });
}

/** @returns how many messages were published */
async function poisonLanes(bus: Bus, random: SeededRandom): Promise<number> {
  let published = 0;
  for (let index = 0; index < bus.topology.lanes; index += 1) {
    const { stream, subject } = bus.topology.lane(index);
    const latest = await bus.last(stream, subject);
    for (const poison of poisons(Buffer.from(latest?.data ?? []), random)) {
      await bus.publish(subject, poison);
      published += 1;
    }
  }
  return published;
}

/** What nobody could take for a batch, beginning with what is least like one. */
function poisons(batch: Buffer, random: SeededRandom): Buffer[] {
  const noise = Buffer.from(Array.from({ length: 5000 }, () => random.below(256)));
  const all = [Buffer.alloc(0), noise, Buffer.from('{"json": true}')];
  if (batch.length < 64) return all;
  // A header that promises, and then: noise, too little, a message of no length, one of four gigabytes.
  const lengthless = Buffer.from(batch);
  lengthless.writeUInt32LE(0, 32);
  const endless = Buffer.from(batch);
  endless.writeUInt32LE(0xffff_ffff, 32);
  const promised = Buffer.concat([batch.subarray(0, 32), noise]);
  return [...all, promised, batch.subarray(0, batch.length - 8), lengthless, endless];
}

async function checkFlow(run: FaultRun): Promise<void> {
  const before = await run.stored();
  const isFlowing = await run.eventually(10_000, async () => (await run.stored()) > before);
  run.check('frames are stored after the poison', isFlowing);
  const answers = await run.system.metrics('alerter').catch((error: unknown) => reasonOf(error));
  run.check('alerters answer', answers.length === run.system.of('alerter').length);
}
