/** A difference to node_exporter that is meant, with its reason. */
export interface Difference {
  /** `absent`: only node_exporter has it; `more`: only the agent has it; `other`: another value. */
  readonly kind: 'absent' | 'more' | 'other';
  readonly series: RegExp;
  readonly reason: string;
}

const NEWER = 'newer versions of node_exporter than the compared 1.5 have it';
const ESCAPES = 'an escaped # in a mount point is resolved, as blanks are';
const MACHINE = 'node_exporter asks the running machine for it, whatever its path flags say';

const more = (series: RegExp, reason = NEWER): Difference => ({ kind: 'more', series, reason });
const absent = (series: RegExp, reason: string): Difference => ({ kind: 'absent', series, reason });
const other = (series: RegExp, reason: string): Difference => ({ kind: 'other', series, reason });

/** Every deliberate difference to node_exporter's collectors of the same names. */
export const differences: readonly Difference[] = [
  absent(
    /^node_scrape_collector_(success|duration_seconds)\{/,
    "says how node_exporter's own scrape went; the agent counts what it could not read in " +
      'rollcall_agent_malformed_total',
  ),
  absent(/^node_exporter_build_info/, 'names the program; the agent has rollcall_agent_build_info'),
  absent(/^promhttp_metric_handler_errors_total/, "is about node_exporter's own web server"),
  absent(
    /^node_textfile_scrape_error$/,
    'where the default folder is missing there is nothing to read; node_exporter calls that an ' +
      'error, and every server without text files would page',
  ),
  absent(
    /^node_btrfs_device_unused_bytes/,
    'only an ioctl that needs an open filesystem tells it; the agent reads files only',
  ),
  absent(/^node_filesystem_.*mountpoint="[^"]*\\\\043/, ESCAPES),
  more(/^node_filesystem_.*mountpoint="[^"]*#/, ESCAPES),
  absent(/^node_uname_info\{/, MACHINE),
  more(/^node_uname_info\{/, MACHINE),
  other(/^node_selinux_enabled$/, MACHINE),
  more(/^node_selinux_/, MACHINE),
  more(
    /^node_network_receive_nohandler_total\{/,
    'node_exporter has it by netlink only, and so not of another network than its own',
  ),
  other(
    /^node_btrfs_allocation_ratio\{.*mode="raid1c[34]"/,
    'data is kept 3 and 4 times; 1.5 does not know these modes',
  ),
  other(
    /^node_nfsd_requests_total\{method="(RelLockOwner|Verify|Write)",proto="4"\}$/,
    '1.5 leaves out operations of RFC 7530 and counts these under the wrong names',
  ),
  more(/^rollcall_agent_/, "the agent's figures about itself"),
  more(/^node_btrfs_(commit|commits|last_commit|max_commit)_.*(seconds|total)/),
  more(/^node_btrfs_(commits_total|device_errors_total)/),
  more(/^node_edac_(channel|dimm)_/),
  more(/^node_hwmon_(freq_freq_mhz|sensor_label)\{/),
  more(/^node_netstat_TcpExt_(TCPOFOQueue|TCPRcvQDrop)$/),
  more(/^node_nvme_namespace_/),
  more(/^node_os_support_end_timestamp_seconds$/),
  more(/^node_pressure_irq_stalled_seconds_total$/),
  more(/^node_softnet_(cpu_collision|received_rps|flow_limit_count)_total\{/),
  more(/^node_softnet_backlog_len\{/),
  more(/^node_zfs_(arc_memory_available_bytes|dbuf_.*)$/),
  more(/^node_zfs_zpool_state\{.*state="suspended"/),
];
