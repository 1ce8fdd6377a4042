import type { HostFiles } from './host-files.ts';

/**
 * `/proc/net` of a server with a bond, a bridge for containers and IPv6, at 4 CPUs, as a kernel 6.18
 * writes it. The counters are made up.
 */
export const networkFiles: HostFiles = {
  'proc/net/dev': lines(
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop ' +
      'fifo colls carrier compressed',
    '    lo: 918273645011 412345678    0    0    0     0          0         0 918273645011 ' +
      '412345678    0    0    0     0       0          0',
    '  eno1: 81234567890123 61234567890    3 1204    0    17          0     88123 70123456789012 ' +
      '58234567890    2   19    0     0       4          0',
    '  eno2: 81214567890123 61214567890    0 1198    0     0          0     88001 70023456789012 ' +
      '58134567890    0    0    0     0       1          0',
    'ens2f0np0:       0       0    0    0    0     0          0         0        0       0    0   ' +
      ' 0    0     0       0          0',
    ' bond0: 162449135780246 122449135780    3 2402    0    17          0    176124 ' +
      '140146913578024 116369135780    2   19    0     0       5          0',
    'bond0.120: 12345678901234 9234567890    0    0    0     0          0      5120 ' +
      '22345678901234 8234567890    0    0    0     0       0          0',
    'br-4f1c9e0d22ab: 5123456789 41234567    0    0    0     0          0      1204 9123456789 ' +
      '39234567    0    3    0     0       0          0',
    'docker0:       0       0    0    0    0     0          0         0     1402      17    0    ' +
      '0    0     0       0          0',
    'veth1a2b3c4: 18446744073709551615 9123456    0    0    0     0          0         0 ' +
      '2123456789 8123456    0    0    0     0       0          0',
    '   wg0: 71234567  512345   12   40    0    12          0         0 91234567  712345    0    ' +
      '1    0     0       0          0',
    '  tun0:       0       0    0    0    0     0          0         0        0       0    0    0 ' +
      '   0     0       0          0',
  ),
  'proc/net/netstat': lines(
    'TcpExt: SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned ' +
      'OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled PAWSActive ' +
      'PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked ' +
      'DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks TCPHPAcks TCPRenoRecovery ' +
      'TCPSackRecovery TCPSACKReneging TCPSACKReorder TCPRenoReorder TCPTSReorder TCPFullUndo ' +
      'TCPPartialUndo TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures TCPSackFailures ' +
      'TCPLossFailures TCPFastRetrans TCPSlowStartRetrans TCPTimeouts TCPLossProbes ' +
      'TCPLossProbeRecovery TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed ' +
      'TCPBacklogCoalesce TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv ' +
      'TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger ' +
      'TCPAbortFailed TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard TCPDSACKIgnoredOld ' +
      'TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure ' +
      'TCPSackShifted TCPSackMerged TCPSackShiftFallback TCPBacklogDrop PFMemallocDrop ' +
      'TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter TCPTimeWaitOverflow ' +
      'TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce TCPOFOQueue TCPOFODrop ' +
      'TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive TCPFastOpenActiveFail ' +
      'TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow TCPFastOpenCookieReqd ' +
      'TCPFastOpenBlackhole TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking ' +
      'TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPSynRetrans TCPOrigDataSent ' +
      'TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd ' +
      'TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq TCPACKSkippedFinWait2 ' +
      'TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail ' +
      'TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop ' +
      'TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash TcpDuplicateDataRehash ' +
      'TCPDSACKRecvSegs TCPDSACKIgnoredDubious TCPMigrateReqSuccess TCPMigrateReqFailure ' +
      'TCPPLBRehash TCPAORequired TCPAOBad TCPAOKeyNotFound TCPAOGood TCPAODroppedIcmps',
    'TcpExt: 902 611 74 404 1 46 8 0 0 0 1171979 0 0 991709 28 9 831970 0 0 296 553 0 1207 1213 ' +
      '73434 105 6101 0 72 0 8133 5270514 48530762 2945 1341 68838 764878 79817 0 0 2767604 955 ' +
      '657788 91234 97 356644 623241 9229206 0 93555402 7 84820 38197765 5821782 0 176211 63 0 0 ' +
      '756 0 8330000 0 0 9218072 838 92588 715887 2472 0 0 0 0 197 269 2 639434 999395 0 7 6678500 ' +
      '1737064 771234 1044345 0 0 0 112 1 0 549 0 1 0 2492263 45533 497183 0 0 64477539 48123 11257 ' +
      '0 0 776314 92886287 0 3 153723 8 89 952378 0 8725 667357 0 3922 3275 47722796 0 3 34785794 0 ' +
      '468952 382348 0 0 0 0 5533 0 7 838487 84 0',
    'IpExt: InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets ' +
      'OutOctets InMcastOctets OutMcastOctets InBcastOctets OutBcastOctets InCsumErrors InNoECTPkts ' +
      'InECT1Pkts InECT0Pkts InCEPkts ReasmOverlaps',
    'IpExt: 7832 0 90963 7770544 92 0 81345678901234 70234567890123 0 0 0 0 88027796 0 88217056 ' +
      '561 21 0',
    'MPTcpExt: MPCapableSYNRX MPCapableSYNTX MPCapableSYNACKRX MPCapableACKRX ' +
      'MPCapableFallbackACK MPCapableFallbackSYNACK MPCapableSYNTXDrop MPCapableSYNTXDisabled ' +
      'MPCapableEndpAttempt MPFallbackTokenInit MPTCPRetrans MPJoinNoTokenFound MPJoinSynRx ' +
      'MPJoinSynBackupRx MPJoinSynAckRx MPJoinSynAckBackupRx MPJoinSynAckHMacFailure MPJoinAckRx ' +
      'MPJoinAckHMacFailure MPJoinRejected MPJoinSynTx MPJoinSynTxCreatSkErr MPJoinSynTxBindErr ' +
      'MPJoinSynTxConnectErr DSSNotMatching DSSCorruptionFallback DSSCorruptionReset InfiniteMapTx ' +
      'InfiniteMapRx DSSNoMatchTCP DataCsumErr OFOQueueTail OFOQueue OFOMerge NoDSSInWindow ' +
      'DuplicateData AddAddr AddAddrTx AddAddrTxDrop EchoAdd EchoAddTx EchoAddTxDrop PortAdd ' +
      'AddAddrDrop MPJoinPortSynRx MPJoinPortSynAckRx MPJoinPortAckRx MismatchPortSynRx ' +
      'MismatchPortAckRx RmAddr RmAddrDrop RmAddrTx RmAddrTxDrop RmSubflow MPPrioTx MPPrioRx ' +
      'MPFailTx MPFailRx MPFastcloseTx MPFastcloseRx MPRstTx MPRstRx SubflowStale SubflowRecover ' +
      'SndWndShared RcvWndShared RcvWndConflictUpdate RcvWndConflict MPCurrEstab Blackhole ' +
      'MPCapableDataFallback MD5SigFallback DssFallback SimultConnectFallback FallbackFailed ' +
      'WinProbe',
    'MPTcpExt: 6 33 8 27 12 13 1 16 13 18 32 15 37 20 16 34 26 8 3 22 29 37 33 26 32 8 34 9 33 32 ' +
      '1 28 11 38 0 9 11 9 30 39 7 35 3 20 33 33 35 30 6 35 3 15 12 17 2 6 32 28 35 1 4 28 20 39 32 ' +
      '38 32 12 17 28 32 34 30 32 15 33',
  ),
  'proc/net/snmp': lines(
    'Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos ' +
      'InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ' +
      'ReasmFails FragOKs FragFails FragCreates OutTransmits',
    'Ip: 1 64 7332 0 50 76070 7017 0 0 16036 0 149924 990 1542 21849997 2645 8650417 441740 0 96672',
    'Icmp: InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs ' +
      'InRedirects InEchos InEchoReps InTimestamps InTimestampReps InAddrMasks InAddrMaskReps ' +
      'OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds ' +
      'OutParmProbs OutSrcQuenchs OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps ' +
      'OutAddrMasks OutAddrMaskReps',
    'Icmp: 20429 21 59117285 6 67143 0 0 0 0 0 5188 0 839 53208 0 94008438 35 0 435 0 1 77 0 0 58 ' +
      '0 4493940 44 1793',
    'IcmpMsg: InType3',
    'IcmpMsg: 0',
    'Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets ' +
      'CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors',
    'Tcp: 1 200 120000 -1 2 0 69610 0 8123 67120755 277 4 2 0 0',
    'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors ' +
      'IgnoredMulti MemErrors',
    'Udp: 8425 7324 6 8304748 8500779 3761 2289 57030 0',
    'UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors ' +
      'IgnoredMulti MemErrors',
    'UdpLite: 0 0 16 56 0 8488313 78483 0 5929',
  ),
  'proc/net/snmp6': lines(
    'Ip6InReceives                   \t161',
    'Ip6InHdrErrors                  \t486232',
    'Ip6InTooBigErrors               \t344904',
    'Ip6InNoRoutes                   \t256320',
    'Ip6InAddrErrors                 \t0',
    'Ip6InUnknownProtos              \t5842',
    'Ip6InTruncatedPkts              \t0',
    'Ip6InDiscards                   \t0',
    'Ip6InDelivers                   \t1407450',
    'Ip6OutForwDatagrams             \t65898',
    'Ip6OutRequests                  \t4066',
    'Ip6OutDiscards                  \t1',
    'Ip6OutNoRoutes                  \t18',
    'Ip6ReasmTimeout                 \t4473925505',
    'Ip6ReasmReqds                   \t0',
    'Ip6ReasmOKs                     \t82532',
    'Ip6ReasmFails                   \t0',
    'Ip6FragOKs                      \t0',
    'Ip6FragFails                    \t916167523',
    'Ip6FragCreates                  \t0',
    'Ip6InMcastPkts                  \t9990672680',
    'Ip6OutMcastPkts                 \t290',
    'Ip6InOctets                     \t2762606516',
    'Ip6OutOctets                    \t0',
    'Ip6InMcastOctets                \t673592740',
    'Ip6OutMcastOctets               \t149580406',
    'Ip6InBcastOctets                \t610400208',
    'Ip6OutBcastOctets               \t0',
    'Ip6InNoECTPkts                  \t2761190677',
    'Ip6InECT1Pkts                   \t0',
    'Ip6InECT0Pkts                   \t0',
    'Ip6InCEPkts                     \t0',
    'Ip6OutTransmits                 \t0',
    'Icmp6InMsgs                     \t110012',
    'Icmp6InErrors                   \t74964258',
    'Icmp6OutMsgs                    \t0',
    'Icmp6OutErrors                  \t8',
    'Icmp6InCsumErrors               \t8016',
    'Icmp6OutRateLimitHost           \t7',
    'Icmp6InDestUnreachs             \t0',
    'Icmp6InPktTooBigs               \t964067232',
    'Icmp6InTimeExcds                \t84',
    'Icmp6InParmProblems             \t95',
    'Icmp6InEchos                    \t33848842',
    'Icmp6InEchoReplies              \t0',
    'Icmp6InGroupMembQueries         \t3362',
    'Icmp6InGroupMembResponses       \t0',
    'Icmp6InGroupMembReductions      \t64320292473',
    'Icmp6InRouterSolicits           \t1287481',
    'Icmp6InRouterAdvertisements     \t81805157565',
    'Icmp6InNeighborSolicits         \t9441584196',
    'Icmp6InNeighborAdvertisements   \t339',
    'Icmp6InRedirects                \t97681374331',
    'Icmp6InMLDv2Reports             \t2438517928',
    'Icmp6OutDestUnreachs            \t0',
    'Icmp6OutPktTooBigs              \t7',
    'Icmp6OutTimeExcds               \t94916711650',
    'Icmp6OutParmProblems            \t0',
    'Icmp6OutEchos                   \t39038095',
    'Icmp6OutEchoReplies             \t306600040',
    'Icmp6OutGroupMembQueries        \t62590981',
    'Icmp6OutGroupMembResponses      \t0',
    'Icmp6OutGroupMembReductions     \t5106',
    'Icmp6OutRouterSolicits          \t0',
    'Icmp6OutRouterAdvertisements    \t4',
    'Icmp6OutNeighborSolicits        \t64',
    'Icmp6OutNeighborAdvertisements  \t50704',
    'Icmp6OutRedirects               \t0',
    'Icmp6OutMLDv2Reports            \t0',
    'Icmp6InType1                    \t0',
    'Icmp6OutType1                   \t18',
    'Icmp6OutType135                 \t281115233',
    'Icmp6OutType143                 \t617',
    'Udp6InDatagrams                 \t300183738',
    'Udp6NoPorts                     \t0',
    'Udp6InErrors                    \t242623',
    'Udp6OutDatagrams                \t52892592',
    'Udp6RcvbufErrors                \t0',
    'Udp6SndbufErrors                \t0',
    'Udp6InCsumErrors                \t0',
    'Udp6IgnoredMulti                \t53475608300',
    'Udp6MemErrors                   \t426',
    'UdpLite6InDatagrams             \t5302909',
    'UdpLite6NoPorts                 \t0',
    'UdpLite6InErrors                \t5',
    'UdpLite6OutDatagrams            \t2013959',
    'UdpLite6RcvbufErrors            \t0',
    'UdpLite6SndbufErrors            \t4',
    'UdpLite6InCsumErrors            \t68133',
    'UdpLite6MemErrors               \t9884744',
  ),
  'proc/net/sockstat': lines(
    'sockets: used 1874',
    'TCP: inuse 912 orphan 14 tw 2048 alloc 1530 mem 4711',
    'UDP: inuse 37 mem 209',
    'UDPLITE: inuse 0',
    'RAW: inuse 1',
    'FRAG: inuse 2 memory 9216',
  ),
  'proc/net/sockstat6': lines(
    'TCP6: inuse 88',
    'UDP6: inuse 19',
    'UDPLITE6: inuse 0',
    'RAW6: inuse 2',
    'FRAG6: inuse 1 memory 4608',
  ),
  'proc/net/softnet_stat': lines(
    '138efef9 000001b6 0000c172 00000000 00000000 00000000 00000000 00000000 00000002 062da62c ' +
      '00000023 00000034 00000000 00000001 00000009',
    '261f40df 00000110 00006fad 00000000 00000000 00000000 00000000 00000000 00000002 184cf938 ' +
      '0000002f 000000db 00000001 00000000 0000000c',
    '8c9a3751 000002e0 000014a0 00000000 00000000 00000000 00000000 00000000 00000000 3497e9b0 ' +
      '00000039 00000046 00000002 00000009 0000000f',
    '2097798c 000001e3 00006a34 00000000 00000000 00000000 00000000 00000000 00000002 24104118 ' +
      '00000026 00000082 00000003 00000008 0000000c',
  ),
  'proc/net/stat/nf_conntrack': lines(
    'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop ' +
      'early_drop icmp_error  expect_new expect_create expect_delete search_restart',
    '00001f40  0000014f 0007a324 00000000 00009a07 00000000 00000000 00000007 0000011d 00000055 ' +
      '00000019 00000003 000000ab  00000002 00000001 00000003 7f405bc8',
    '00001f40  00000119 00070a72 00000000 0000e7ed 00000000 00000000 00000005 000000e6 00000036 ' +
      '00000008 00000011 000000c5  00000003 00000001 00000002 578a60d8',
    '00001f40  0000011c 0002ea3e 00000000 0000a379 00000000 00000000 00000003 000000bc 00000021 ' +
      '00000024 00000006 0000038c  00000000 00000006 00000006 69f44612',
    '00001f40  0000017d 0006b85c 00000000 0000c0f4 00000000 00000000 00000004 000000ad 00000007 ' +
      '0000001f 00000008 0000024c  00000005 00000002 00000008 37495c5e',
  ),
  'proc/net/arp': lines(
    'IP address       HW type     Flags       HW address            Mask     Device',
    '198.51.100.1     0x1         0x2         02:42:ac:11:00:01     *        bond0',
    '198.51.100.7     0x1         0x2         02:42:ac:11:00:07     *        bond0',
    '198.51.100.23    0x1         0x0         00:00:00:00:00:00     *        bond0',
    '203.0.113.9      0x1         0x6         02:42:ac:11:00:99     *        bond0.120',
    '172.18.0.2       0x1         0x2         02:42:ac:12:00:02     *        br-4f1c9e0d22ab',
    '172.18.0.3       0x1         0x2         02:42:ac:12:00:03     *        br-4f1c9e0d22ab',
  ),
  'proc/net/udp': lines(
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout ' +
      'inode ref pointer drops            ',
    '  312: 3500007F:0035 00000000:0000 07 00000000:00000900 00:00000000 00000000   991        0 ' +
      '21234 2 0000000000000000 0         ',
    '  871: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 ' +
      '19234 2 0000000000000000 0         ',
    ' 2205: 076433C6:C350 016433C6:14E9 01 00003500:0001D400 00:00000000 00000000  1000        0 ' +
      '881234 2 0000000000000000 57       ',
    ' 3990: 00000000:2710 00000000:0000 07 00000000:000D0000 00:00000000 00000000   998        0 ' +
      '77123 2 0000000000000000 90412     ',
  ),
  'proc/net/udp6': lines(
    '  sl  local_address                         remote_address                        st ' +
      'tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops',
    '  312: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07 ' +
      '00000000:00000240 00:00000000 00000000   991        0 21236 2 0000000000000000 0',
    ' 4012: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 07 ' +
      '00001200:00000000 00:00000000 00000000    33        0 90123 2 0000000000000000 0',
  ),
  'proc/sys/net/netfilter/nf_conntrack_count': lines('8000'),
  'proc/sys/net/netfilter/nf_conntrack_max': lines('262144'),
};

function lines(...texts: string[]): string {
  return texts.map((text) => `${text}\n`).join('');
}
