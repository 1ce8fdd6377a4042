import type { Metric, SourceFactory } from '../source.ts';
import { V2, V3, V4_SERVER } from './nfs-procedures.ts';
import { procedures, RpcFile, type RpcLines } from './rpc-file.ts';
import { sourceFromParts } from './source-parts.ts';

function metric(name: string, help: string, unit = ''): Metric {
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  return { name: `node_nfsd_${name}`, kind, unit, help };
}

const PACKETS = metric('packets_total', 'Packets of the NFS server, by protocol.');
const RPC_ERRORS = metric('rpc_errors_total', 'Calls that the NFS server refused, by reason.');
const REQUESTS = metric('requests_total', 'Procedures that the NFS server was asked for.');

const LINES: RpcLines = {
  rc: [
    { metric: metric('reply_cache_hits_total', 'Requests answered from the reply cache.') },
    { metric: metric('reply_cache_misses_total', 'Requests whose answers were cached.') },
    { metric: metric('reply_cache_nocache_total', 'Requests whose answers need no cache.') },
  ],
  fh: [{ metric: metric('file_handles_stale_total', 'File handles that were not valid.') }],
  io: [
    { metric: metric('disk_bytes_read_total', 'Bytes that were read for clients.', 'bytes') },
    { metric: metric('disk_bytes_written_total', 'Bytes that were written for clients.', 'bytes') },
  ],
  th: [{ metric: metric('server_threads', 'Threads of the NFS server.') }],
  ra: [
    { metric: metric('read_ahead_cache_size_blocks', 'Size of the read-ahead cache.') },
    ...Array.from({ length: 10 }, () => null),
    { metric: metric('read_ahead_cache_not_found_total', 'Misses of the read-ahead cache.') },
  ],
  net: [
    null,
    { metric: PACKETS, labels: [['proto', 'udp']] },
    { metric: PACKETS, labels: [['proto', 'tcp']] },
    { metric: metric('connections_total', 'TCP connections to the NFS server.') },
  ],
  rpc: [
    { metric: metric('server_rpcs_total', 'Remote procedure calls to the NFS server.') },
    null,
    { metric: RPC_ERRORS, labels: [['error', 'fmt']] },
    { metric: RPC_ERRORS, labels: [['error', 'auth']] },
    { metric: RPC_ERRORS, labels: [['error', 'cInt']] },
  ],
  proc2: procedures(REQUESTS, '2', [null, ...V2.slice(1)]),
  proc3: procedures(REQUESTS, '3', [null, ...V3.slice(1)]),
  proc4ops: procedures(REQUESTS, '4', V4_SERVER),
};

/** `/proc/net/rpc/nfsd`: what the NFS server does. */
export const nfsdSource: SourceFactory = (paths) =>
  sourceFromParts('nfsd', [new RpcFile(paths.procfs, 'nfsd', LINES)]);
