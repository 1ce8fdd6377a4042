import type { HostFiles } from './host-files.ts';

function numbers(count: number, first: number, step: number): string {
  return Array.from({ length: count }, (_, i) => first + i * step).join(' ');
}

/** nfsd_show() of the kernel's fs/nfsd/stats.c, Linux 4.19, which still has the line `ra`. */
export const nfsdFiles: HostFiles = {
  'proc/net/rpc/nfsd': `rc 13 6 18622
fh 7 0 0 0 0
io 157286400 72864
th 64 0 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000
ra 32 0 0 0 0 0 0 0 0 0 0 5
net 18628 3 18625 11
rpc 18628 6 1 2 3
proc2 18 ${numbers(18, 2, 69)}
proc3 22 ${numbers(22, 2, 112)}
proc4 2 2 10853
proc4ops 72 ${numbers(72, 5, 31)}
`,
};
