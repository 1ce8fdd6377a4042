import type { HostFiles } from './host-files.ts';

const DIRECTORY = 'root/var/lib/prometheus/node-exporter';

/** As apt_info.py of the node-exporter-textfile-collector-scripts writes it. */
const APT = `# HELP apt_upgrades_pending Apt packages pending updates by origin.
# TYPE apt_upgrades_pending gauge
apt_upgrades_pending{arch="amd64",origin="Debian:bookworm-security/stable-security"} 3
apt_upgrades_pending{arch="all",origin="Debian:bookworm/stable"} 11
# HELP node_reboot_required Node reboot is required for software updates.
# TYPE node_reboot_required gauge
node_reboot_required 1
`;
/** As smartmon.sh writes it: no HELP, exponents, blanks in labels. */
const SMARTMON = `# TYPE smartmon_device_active gauge
smartmon_device_active{disk="/dev/sda",type="sat"} 1
# TYPE smartmon_power_on_hours_raw_value gauge
smartmon_power_on_hours_raw_value{disk="/dev/sda",type="sat",smart_id="9"} 4.123400e+04
smartmon_device_info{disk="/dev/sda",type="sat",vendor="",product="",revision="",lun_id="5 000c50 0a1b2c3d4",model_family="Example \\"Disk\\" C:\\\\1",device_model="ST4000NM0035-1V4107",serial_number="ZC1000AB",firmware_version="TNC3"} 1
smartctl_version{version="7.3"} 1
`;
/** As a backup program with its own library might: all kinds, all forms of numbers. */
const BACKUP = `# Written by backup-report.
# HELP backup_duration_seconds Time a backup took,\\nby job and \\\\ path.
# TYPE backup_duration_seconds histogram
backup_duration_seconds_bucket{job="home",le="60"} 12
backup_duration_seconds_bucket{job="home",le="1e3"} 15
backup_duration_seconds_bucket{job="home",le="1000000.0"} 17
backup_duration_seconds_bucket{job="home",le="+Inf"} 17
backup_duration_seconds_sum{job="home"} 40312.25
backup_duration_seconds_count{job="home"} 17
backup_duration_seconds_bucket{job="mail",le="60"} 1
backup_duration_seconds_sum{job="mail"} 7
backup_duration_seconds_count{job="mail"} 2
# TYPE backup_speed_bytes summary
# HELP backup_speed_bytes Bytes written in a second.
backup_speed_bytes{quantile="0.5"} 1.5e+08
backup_speed_bytes{quantile="0.990"} NaN
backup_speed_bytes_sum 1.2e9
backup_speed_bytes_count 8

# TYPE backup_files_total counter
backup_files_total{job="home",} 4711
backup_files_total { job = "mail" } .5e1
backup_last_error -Inf
backup_limit\t+inf
   # TYPE backup_offset_seconds untyped
backup_offset_seconds{ } -0.25
`;

export const textfileFiles: HostFiles = {
  [`${DIRECTORY}/apt.prom`]: APT,
  [`${DIRECTORY}/smartmon.prom`]: SMARTMON,
  [`${DIRECTORY}/backup.prom`]: BACKUP,
  [`${DIRECTORY}/empty.prom`]: '',
  // What is being written, and what is no file of metrics, is not looked at.
  [`${DIRECTORY}/backup.prom.4711`]: 'backup_half 1',
  [`${DIRECTORY}/README`]: 'not metrics\n',
};
