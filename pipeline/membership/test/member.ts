/* A process that takes part in a role and tells what it takes and drops. */
import { Bus } from '../../bus/bus.ts';
import { testBusOptions } from '../../embedded/test-servers.ts';
import { Membership } from '../membership.ts';

const [port, fleet, name] = process.argv.slice(2) as [string, string, string];
const bus = await Bus.connect(testBusOptions(Number(port), fleet));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const membership = new Membership(bus, {
  role: 'writer',
  name,
  parts: ['0', '1', '2', '3'],
  spread: 'even',
  owner: {
    take: (part, epoch) => say(`took ${part} ${epoch}`),
    drop: async (part, why) => say(`dropped ${part} ${why}`),
  },
});
process.once('SIGTERM', () => {
  void membership
    .leave()
    .then(() => bus.close())
    .then(() => say('left'));
});
void membership.ready.then(() => say('ready'));
await membership.run();
