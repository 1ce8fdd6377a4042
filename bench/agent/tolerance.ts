/** How far a gauge may be from what the peer read a moment before or after. */
export interface Tolerance {
  readonly metric: RegExp;
  /** Share of the peer's value. */
  readonly relative?: number;
  readonly absolute?: number;
  readonly why: string;
}

/**
 * Gauges that move between two readings of one machine. Every other gauge has to be equal to one
 * of the peer's two readings, or lie between them.
 */
export const tolerances: readonly Tolerance[] = [
  {
    metric: /^node_memory_/,
    relative: 0.05,
    absolute: 64 * 1024 * 1024,
    why: 'memory comes and goes while the processes of the comparison run',
  },
  { metric: /^node_load/, absolute: 0.5, why: 'the kernel computes the load anew every 5 s' },
  { metric: /^node_procs_/, absolute: 20, why: 'processes run and wait from moment to moment' },
  {
    metric: /^node_(sockstat|arp_entries|nf_conntrack_entries|netstat_Tcp_CurrEstab|udp_queues)/,
    absolute: 50,
    relative: 0.2,
    why: 'connections are opened and closed, those of the comparison among them',
  },
  { metric: /^node_filefd_allocated/, relative: 0.2, absolute: 500, why: 'files are opened' },
  {
    metric: /^node_filesystem_(free|avail)_bytes/,
    absolute: 512 * 1024 * 1024,
    why: 'files are written',
  },
  { metric: /^node_filesystem_files_free/, absolute: 20_000, why: 'files are created' },
  { metric: /^node_disk_io_now/, absolute: 64, why: 'requests begin and end' },
  { metric: /^node_time_seconds/, absolute: 2, why: 'the clock runs' },
  {
    metric: /^node_(hwmon|thermal_zone|cpu_(scaling_)?frequency|cooling_device|power_supply)/,
    relative: 0.25,
    absolute: 10,
    why: 'sensors are read at different moments',
  },
  {
    metric: /^node_timex_(maxerror|estimated_error|offset)_seconds/,
    absolute: 0.05,
    why: "the kernel's error bound grows by 500 µs a second",
  },
  { metric: /^node_timex_frequency/, absolute: 0.001, why: 'the clock is being adjusted' },
];

/** Whether a value lies between two readings of the peer, or near enough to them. */
export function isWithin(metric: string, value: number, low: number, high: number): boolean {
  if (Object.is(value, low) || Object.is(value, high)) return true;
  if (value >= low && value <= high) return true;
  const allowed = tolerances.find((tolerance) => tolerance.metric.test(metric));
  if (allowed === undefined) return false;
  const { relative = 0, absolute = 0 } = allowed;
  const slack = Math.max(absolute, relative * Math.max(Math.abs(low), Math.abs(high)));
  return value >= low - slack && value <= high + slack;
}
