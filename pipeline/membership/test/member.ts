/* A process that takes the role and tells what becomes of it. */
import { Bus } from '../../bus/bus.ts';
import { testBusOptions } from '../../embedded/test-servers.ts';
import { Ownership } from '../ownership.ts';

const [port, fleet, holder] = process.argv.slice(2) as [string, string, string];
const bus = await Bus.connect(testBusOptions(Number(port), fleet));
const ownership = new Ownership(bus, { role: 'writer', holder });
const epoch = await ownership.acquire(new AbortController().signal);
process.stdout.write(`acquired ${epoch}\n`);
process.stdout.write(`lost to ${await ownership.lost}\n`);
await ownership.release();
process.stdout.write('released\n');
await bus.close();
