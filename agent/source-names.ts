/** Every source, under the name of node_exporter's collector for the same figures. */
export const sourceNames = [
  'arp',
  'conntrack',
  'cpu',
  'cpufreq',
  'diskstats',
  'entropy',
  'filefd',
  'filesystem',
  'loadavg',
  'meminfo',
  'netdev',
  'netstat',
  'pressure',
  'schedstat',
  'sockstat',
  'softnet',
  'stat',
  'thermal_zone',
  'time',
  'udp_queues',
  'uname',
  'vmstat',
] as const;

export type SourceName = (typeof sourceNames)[number];
