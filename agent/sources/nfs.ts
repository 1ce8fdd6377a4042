import type { Metric, SourceFactory } from '../source.ts';
import { V2, V3, V4_CLIENT } from './nfs-procedures.ts';
import { procedures, RpcFile, type RpcLines } from './rpc-file.ts';
import { sourceFromParts } from './source-parts.ts';

function counter(name: string, help: string): Metric {
  return { name: `node_nfs_${name}_total`, kind: 'counter', unit: '', help };
}

const PACKETS = counter('packets', 'Packets of the NFS client, by protocol.');
const REQUESTS = counter('requests', 'Procedures that the NFS client called.');

const LINES: RpcLines = {
  net: [
    null,
    { metric: PACKETS, labels: [['protocol', 'udp']] },
    { metric: PACKETS, labels: [['protocol', 'tcp']] },
    { metric: counter('connections', 'TCP connections of the NFS client.') },
  ],
  rpc: [
    { metric: counter('rpcs', 'Remote procedure calls of the NFS client.') },
    { metric: counter('rpc_retransmissions', 'Remote procedure calls that were sent again.') },
    {
      metric: counter(
        'rpc_authentication_refreshes',
        'Times that the NFS client renewed its credentials.',
      ),
    },
  ],
  proc2: procedures(REQUESTS, '2', V2),
  proc3: procedures(REQUESTS, '3', V3),
  proc4: procedures(REQUESTS, '4', V4_CLIENT),
};

/** `/proc/net/rpc/nfs`: what the NFS client does. */
export const nfsSource: SourceFactory = (paths) =>
  sourceFromParts('nfs', [new RpcFile(paths.procfs, 'nfs', LINES)]);
