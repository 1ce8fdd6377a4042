/* A program that supervises two children, prints their pids and waits to be killed. */
import { Supervisor } from '../supervisor.ts';
import { childService } from './child-service.ts';

const ready = 'console.log("ready");';
const services = [
  // Ends with the signal that the kernel sends when its parent dies.
  childService('signalled', `${ready} setInterval(() => {}, 1000);`),
  // Knows only of its standard input.
  childService(
    'reading',
    `${ready} process.on("SIGTERM", () => {});
     process.stdin.resume().on("close", () => process.exit(0));`,
    { stopBy: 'closing stdin' },
  ),
];
const supervisor = new Supervisor(services);
await supervisor.start();
console.log(JSON.stringify(supervisor.services().map(({ pid }) => pid)));
