import type { HostFiles } from './host-files.ts';

function numbers(count: number, first: number, step: number): string {
  return Array.from({ length: count }, (_, i) => first + i * step).join(' ');
}

/** rpc_proc_show() of the kernel's net/sunrpc/stats.c for the client, Linux 6.1. */
export const nfsFiles: HostFiles = {
  'proc/net/rpc/nfs': `net 18628 3 18625 6
rpc 4329785 17 4338291
proc2 18 ${numbers(18, 0, 0)}
proc3 22 ${numbers(22, 1, 4711)}
proc4 69 ${numbers(69, 100, 1_000_003)}
`,
};
