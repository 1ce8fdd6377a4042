/* Starts a server as `up` does, prints its process id, and waits to be killed. */
import { ChildServer } from '../child-server.ts';
import { clickhouseServer } from '../clickhouse-server.ts';
import { freePort } from '../free-port.ts';
import { natsServer } from '../nats-server.ts';

const [kind, dataDir, binary] = process.argv.slice(2) as [string, string, string];
const port = await freePort();
const spec =
  kind === 'nats-server'
    ? natsServer({ binary, port, dataDir })
    : clickhouseServer({ httpPort: port, tcpPort: await freePort(), dataDir, database: 'fleet' });
const server = await new ChildServer(spec).ready();
process.stdout.write(`${server.pid}\n`);
