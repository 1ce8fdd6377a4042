/** A difference to node_exporter that is meant, with its reason. */
export interface Difference {
  /** What is different: `absent` with us, or something that only we have. */
  readonly kind: 'absent' | 'more';
  readonly series: RegExp;
  readonly reason: string;
}

/** Every deliberate difference to node_exporter's collectors of the same names. */
export const differences: readonly Difference[] = [
  {
    kind: 'absent',
    series: /^node_scrape_collector_(success|duration_seconds)\{/,
    reason:
      "says how node_exporter's own scrape went; the agent's are rollcall_agent_malformed_total and " +
      'rollcall_agent_tick_seconds',
  },
  {
    kind: 'absent',
    series: /^node_exporter_build_info/,
    reason: 'names the program; the agent has rollcall_agent_build_info',
  },
  {
    kind: 'absent',
    series: /^promhttp_metric_handler_errors_total/,
    reason: "is about node_exporter's own web server",
  },
  {
    kind: 'more',
    series: /^node_netstat_TcpExt_(TCPOFOQueue|TCPRcvQDrop)$/,
    reason: 'newer versions of node_exporter have it',
  },
  {
    kind: 'more',
    series:
      /^node_softnet_(cpu_collision_total|received_rps_total|flow_limit_count_total|backlog_len)/,
    reason: 'newer versions of node_exporter have it',
  },
  {
    kind: 'more',
    series: /^node_os_support_end_timestamp_seconds$/,
    reason: 'newer versions of node_exporter have it',
  },
  {
    kind: 'more',
    series: /^rollcall_agent_/,
    reason: "the agent's figures about itself",
  },
];
