import type { HostFiles } from './host-files.ts';

/** As ip_vs_stats_show() and ip_vs_info_seq_show() of the kernel's ip_vs_ctl.c write them. */
export const ipvsFiles: HostFiles = {
  'proc/net/ip_vs_stats': `   Total Incoming Outgoing         Incoming         Outgoing
   Conns  Packets  Packets            Bytes            Bytes
 16AA370 E33656E5        0     51D8C8883AB3                0

 Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
       4    1FB3C        0          1282A8F                0
`,
  'proc/net/ip_vs': `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  C0A80016:0CEA wlc  
  -> C0A85216:0CEA      Tunnel  100    248        2         
  -> C0A85318:0CEA      Tunnel  100    248        2         
  -> C0A85315:0CEA      Tunnel  100    248        1         
UDP  C0A80039:0035 wrr  persistent 300 FFFFFFFF
  -> C0A80021:0035      Route   1      0          4711      
TCP  [2620:0000:0000:0000:0000:0000:0000:0001]:0050 sh  
  -> [2620:0000:0000:0000:0000:0000:0000:0002]:0050      Route   1      0          0         
  -> [2620:0000:0000:0000:0000:0000:0000:000a]:0050      Route   0      12         0         
FWM  10001000 wlc  
  -> C0A8321A:0CEA      Route   20     64         1         
  -> C0A83215:0CEA      Tunnel  80     321        5         
`,
};
