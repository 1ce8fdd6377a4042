/** Which metrics an agent keeps: `standard` is what rules and dashboards live on, `full` is all. */
export type Profile = 'standard' | 'full';

export const profiles = ['standard', 'full'] as const satisfies readonly Profile[];

/**
 * The metrics of the standard profile, as anchored patterns: those that the common rules and
 * dashboards for node_exporter ask for. Measured: 217 series of a machine with 2 CPUs, 2 disks, 4
 * network devices and 2 filesystems.
 */
const STANDARD: readonly string[] = [
  // Processor time and its pressure.
  'node_cpu_seconds_total',
  'node_cpu_(core|package)_throttles_total',
  'node_load(1|5|15)',
  'node_pressure_.*',
  'node_context_switches_total',
  'node_forks_total',
  'node_intr_total',
  'node_procs_(running|blocked)',
  'node_boot_time_seconds',
  'node_softnet_(dropped|times_squeezed)_total',
  // Memory.
  'node_memory_(MemTotal|MemFree|MemAvailable|Buffers|Cached|SwapTotal|SwapFree|SwapCached)_bytes',
  'node_memory_(Active|Inactive|AnonPages|Mapped|Shmem|Slab|SReclaimable|SUnreclaim)_bytes',
  'node_memory_(Active|Inactive)_(anon|file)_bytes',
  'node_memory_(Dirty|Writeback|KernelStack|PageTables|Committed_AS|CommitLimit)_bytes',
  'node_memory_(Unevictable|Mlocked|AnonHugePages|Percpu|VmallocUsed)_bytes',
  'node_memory_(HugePages_Total|HugePages_Free|Hugepagesize_bytes|HardwareCorrupted_bytes)',
  'node_vmstat_(oom_kill|pgfault|pgmajfault|pgpgin|pgpgout|pswpin|pswpout)',
  // Disks and filesystems.
  'node_disk_(reads|writes)_completed_total',
  'node_disk_(read|written)_bytes_total',
  'node_disk_(read|write|io)_time_seconds_total',
  'node_disk_io_time_weighted_seconds_total',
  'node_disk_io_now',
  'node_disk_(reads|writes)_merged_total',
  'node_disk_info',
  'node_filesystem_.*',
  'node_filefd_(allocated|maximum)',
  'node_md_.*',
  'node_nvme_info',
  'node_zfs_zpool_state',
  'node_zfs_arc_(size|hits|misses|c|c_max)',
  'node_(btrfs_device_errors_total|btrfs_info)',
  'node_nfs_(rpcs|rpc_retransmissions)_total',
  // The network.
  'node_network_(receive|transmit)_(bytes|packets|errs|drop)_total',
  'node_network_(up|speed_bytes|mtu_bytes|carrier|carrier_changes_total)',
  'node_bonding_.*',
  'node_netstat_Tcp_(ActiveOpens|PassiveOpens|CurrEstab|InErrs|InSegs|OutSegs|OutRsts|RetransSegs)',
  'node_netstat_TcpExt_(ListenDrops|ListenOverflows|SyncookiesFailed|TCPSynRetrans|TCPTimeouts)',
  'node_netstat_Udp6?_(InDatagrams|OutDatagrams|InErrors|NoPorts|RcvbufErrors|SndbufErrors)',
  'node_netstat_Ip_Forwarding',
  'node_netstat_IpExt_(In|Out)Octets',
  'node_netstat_Icmp_(InErrors|InMsgs|OutMsgs)',
  'node_sockstat_(sockets_used|TCP_(alloc|inuse|mem|mem_bytes|orphan|tw)|UDP_(inuse|mem_bytes))',
  'node_nf_conntrack_entries(_limit)?',
  'node_arp_entries',
  // Time.
  'node_time_seconds',
  'node_timex_(offset|maxerror|estimated_error)_seconds',
  'node_timex_(sync_status|frequency_adjustment_ratio|tai_offset_seconds)',
  'node_time_zone_offset_seconds',
  // Hardware.
  'node_edac_(correctable|uncorrectable)_errors_total',
  'node_hwmon_(temp_celsius|temp_crit_celsius|temp_crit_alarm_celsius|fan_rpm|power_average_watt)',
  'node_hwmon_(chip_names|sensor_label)',
  'node_thermal_zone_temp',
  'node_power_supply_(online|capacity)',
  'node_rapl_.*_joules_total',
  // What the host is, and what people add.
  'node_(uname|os|dmi)_info',
  'node_entropy_available_bits',
  'node_systemd_(units|system_running)',
  'node_textfile_.*',
  'rollcall_agent_.*',
];

const standard = new RegExp(`^(?:${STANDARD.join('|')})$`);

export interface SelectionOptions {
  readonly profile: Profile;
  /** Metrics to keep whatever the profile says; the pattern has to match the whole name. */
  readonly include?: RegExp | undefined;
  /** Metrics to leave out; wins over everything else. */
  readonly exclude?: RegExp | undefined;
}

/**
 * Decides by its name whether a metric is kept. What people write into text files is theirs: no
 * profile takes it away, only `exclude` does.
 */
export function selection(options: SelectionOptions): (metric: string, source: string) => boolean {
  const { profile, include, exclude } = options;
  return (metric, source) => {
    if (exclude?.test(metric) === true) return false;
    if (profile === 'full' || source === 'textfile') return true;
    return standard.test(metric) || include?.test(metric) === true;
  };
}
