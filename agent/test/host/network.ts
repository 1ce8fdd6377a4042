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
    'Icmp: 20429 21 20429 59117285 6 67143 0 0 0 0 0 5188 0 839 19873 53208 0 94008438 35 0 435 0 ' +
      '1 77 0 0 58 0 4493940',
    'IcmpMsg: InType3',
    'IcmpMsg: 44',
    'Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets ' +
      'CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors',
    'Tcp: 1 200 120000 -1 48123456 91234567 1793 0 8123 61234567890 58234567890 1234567 12 ' +
      '3456789 2',
    'Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors ' +
      'IgnoredMulti MemErrors',
    'Udp: 7123456789 48213 90469 7012345678 90412 7 0 69610 0',
    'UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors ' +
      'IgnoredMulti MemErrors',
    'UdpLite: 67120755 277 0 4 0 0 0 8425 7324',
  ),
  'proc/net/snmp6': lines(
    'Ip6InReceives                   \t0',
    'Ip6InHdrErrors                  \t8304748',
    'Ip6InTooBigErrors               \t8500779',
    'Ip6InNoRoutes                   \t3761',
    'Ip6InAddrErrors                 \t2289',
    'Ip6InUnknownProtos              \t57030',
    'Ip6InTruncatedPkts              \t0',
    'Ip6InDiscards                   \t0',
    'Ip6InDelivers                   \t0',
    'Ip6OutForwDatagrams             \t56458',
    'Ip6OutRequests                  \t0',
    'Ip6OutDiscards                  \t0',
    'Ip6OutNoRoutes                  \t0',
    'Ip6ReasmTimeout                 \t8488313',
    'Ip6ReasmReqds                   \t78483',
    'Ip6ReasmOKs                     \t0',
    'Ip6ReasmFails                   \t5929',
    'Ip6FragOKs                      \t161',
    'Ip6FragFails                    \t486232',
    'Ip6FragCreates                  \t344904',
    'Ip6InMcastPkts                  \t256320',
    'Ip6OutMcastPkts                 \t0',
    'Ip6InOctets                     \t5123456789012',
    'Ip6OutOctets                    \t4123456789012',
    'Ip6InMcastOctets                \t0',
    'Ip6OutMcastOctets               \t1407450',
    'Ip6InBcastOctets                \t65898',
    'Ip6OutBcastOctets               \t4066',
    'Ip6InNoECTPkts                  \t1',
    'Ip6InECT1Pkts                   \t18',
    'Ip6InECT0Pkts                   \t6',
    'Ip6InCEPkts                     \t0',
    'Ip6OutTransmits                 \t82532',
    'Icmp6InMsgs                     \t881234',
    'Icmp6InErrors                   \t5',
    'Icmp6OutMsgs                    \t412345',
    'Icmp6OutErrors                  \t5471633',
    'Icmp6InCsumErrors               \t20060604',
    'Icmp6OutRateLimitHost           \t44',
    'Icmp6InDestUnreachs             \t8481571',
    'Icmp6InPktTooBigs               \t0',
    'Icmp6InTimeExcds                \t9',
    'Icmp6InParmProblems             \t1394',
    'Icmp6InEchos                    \t0',
    'Icmp6InEchoReplies              \t0',
    'Icmp6InGroupMembQueries         \t0',
    'Icmp6InGroupMembResponses       \t110012',
    'Icmp6InGroupMembReductions      \t74964258',
    'Icmp6InRouterSolicits           \t0',
    'Icmp6InRouterAdvertisements     \t8',
    'Icmp6InNeighborSolicits         \t8016',
    'Icmp6InNeighborAdvertisements   \t7',
    'Icmp6InRedirects                \t0',
    'Icmp6InMLDv2Reports             \t84',
    'Icmp6OutDestUnreachs            \t95',
    'Icmp6OutPktTooBigs              \t33848842',
    'Icmp6OutTimeExcds               \t0',
    'Icmp6OutParmProblems            \t3362',
    'Icmp6OutEchos                   \t0',
    'Icmp6OutEchoReplies             \t66296682',
    'Icmp6OutGroupMembQueries        \t61',
    'Icmp6OutGroupMembResponses      \t6127',
    'Icmp6OutGroupMembReductions     \t1269',
    'Icmp6OutRouterSolicits          \t339',
    'Icmp6OutRouterAdvertisements    \t81415',
    'Icmp6OutNeighborSolicits        \t12',
    'Icmp6OutNeighborAdvertisements  \t7',
    'Icmp6OutRedirects               \t88',
    'Icmp6OutMLDv2Reports            \t0',
    'Icmp6InType1                    \t39038095',
    'Icmp6OutType1                   \t60904',
    'Icmp6OutType135                 \t15905184',
    'Icmp6OutType143                 \t5106',
    'Udp6InDatagrams                 \t91234567',
    'Udp6NoPorts                     \t1234',
    'Udp6InErrors                    \t31',
    'Udp6OutDatagrams                \t81234567',
    'Udp6RcvbufErrors                \t30',
    'Udp6SndbufErrors                \t1',
    'Udp6InCsumErrors                \t0',
    'Udp6IgnoredMulti                \t18',
    'Udp6MemErrors                   \t47127',
    'UdpLite6InDatagrams             \t0',
    'UdpLite6NoPorts                 \t14768',
    'UdpLite6InErrors                \t0',
    'UdpLite6OutDatagrams            \t52892592',
    'UdpLite6RcvbufErrors            \t0',
    'UdpLite6SndbufErrors            \t0',
    'UdpLite6InCsumErrors            \t0',
    'UdpLite6MemErrors               \t54414461',
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
    '24056360 00000160 00006048 00000000 00000000 00000000 00000000 00000000 00000002 0f79f522 ' +
      '0000002a 00000000 00000000 0000000a 0000000a',
    'd6cff718 0000007a 0000321c 00000000 00000000 00000000 00000000 00000000 00000000 25193f16 ' +
      '00000020 000000be 00000001 00000002 0000000c',
    '138efef9 000001b6 0000c172 00000000 00000000 00000000 00000000 00000000 00000002 062da62c ' +
      '00000023 00000034 00000002 00000001 00000009',
    '261f40df 00000110 00006fad 00000000 00000000 00000000 00000000 00000000 00000002 184cf938 ' +
      '0000002f 000000db 00000003 00000000 0000000c',
  ),
  'proc/net/stat/nf_conntrack': lines(
    'entries  clashres found new invalid ignore delete chainlength insert insert_failed drop ' +
      'early_drop icmp_error  expect_new expect_create expect_delete search_restart',
    '00001f40  000001d3 0006828b 00000000 00002941 00000000 00000000 00000000 000000d2 00000039 ' +
      '00000027 00000004 00000293  00000004 00000007 00000000 2097798c',
    '00001f40  00000057 000f1c21 00000000 0000d469 00000000 00000000 00000005 00000090 00000026 ' +
      '00000010 00000008 0000019f  00000003 00000004 00000007 64f54969',
    '00001f40  0000003d 00055ac9 00000000 000052c4 00000000 00000000 00000001 0000006a 00000040 ' +
      '0000001f 00000011 000000e1  00000007 00000005 00000007 6d6b987a',
    '00001f40  00000047 00062832 00000000 00007cf8 00000000 00000000 00000001 00000059 0000002b ' +
      '00000023 00000002 00000146  00000003 00000005 00000004 33bf9157',
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
