import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SourceFactory } from '../source.ts';
import { textLabel } from './attribute-text.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { InfoSeries } from './info-series.ts';
import { leadingDigits } from './leading-digits.ts';
import { Pace } from './pace.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const COLON = 0x3a;
const BYTES_PER_GIGABIT = 125_000_000;
/** Data are counted in words of this size (the kernel's ABI/stable/sysfs-class-infiniband). */
const WORD_BYTES = 4;

function gauge(name: string, unit: string, help: string): Metric {
  return { name: `node_infiniband_${name}`, kind: 'gauge', unit, help };
}

function counter(file: string, name: string, help: string): Attribute {
  const inBytes = name.endsWith('_bytes');
  const unit = inBytes ? 'bytes' : '';
  return {
    file,
    metric: { name: `node_infiniband_${name}_total`, kind: 'counter', unit, help },
    multiplier: inBytes ? WORD_BYTES : 1,
    // Cards that cannot count something say so in words.
    lenient: true,
  };
}

const INFO = gauge('info', '', 'What an InfiniBand device is; always 1.');

const PORT: readonly Attribute[] = [
  {
    file: 'state',
    metric: gauge('state_id', '', 'State of a port: 1 is down, 4 active.'),
    parse: stateNumber,
  },
  {
    file: 'phys_state',
    metric: gauge('physical_state_id', '', 'Physical state of a port: 3 is disabled, 5 linked.'),
    parse: stateNumber,
  },
  {
    file: 'rate',
    metric: gauge('rate_bytes_per_second', 'bytes', 'Most that a port transfers in a second.'),
    parse: gigabits,
    seldom: true,
  },
];

const COUNTERS: readonly Attribute[] = [
  ['VL15_dropped', 'vl15_dropped', 'Management packets dropped for want of buffers.'],
  [
    'excessive_buffer_overrun_errors',
    'excessive_buffer_overrun_errors',
    'Buffer overruns that went on for too long.',
  ],
  ['link_downed', 'link_downed', 'Times that the link went down.'],
  ['link_error_recovery', 'link_error_recovery', 'Times that the link recovered from an error.'],
  [
    'local_link_integrity_errors',
    'local_link_integrity_errors',
    'Times that local errors went beyond their limit.',
  ],
  ['multicast_rcv_packets', 'multicast_packets_received', 'Multicast packets received.'],
  ['multicast_xmit_packets', 'multicast_packets_transmitted', 'Multicast packets sent.'],
  [
    'port_rcv_constraint_errors',
    'port_constraint_errors_received',
    'Packets that were received but not allowed.',
  ],
  ['port_rcv_data', 'port_data_received_bytes', 'Bytes received.'],
  ['port_rcv_discards', 'port_discards_received', 'Received packets that were discarded.'],
  ['port_rcv_errors', 'port_errors_received', 'Received packets with an error.'],
  ['port_rcv_packets', 'port_packets_received', 'Packets received.'],
  [
    'port_rcv_remote_physical_errors',
    'port_receive_remote_physical_errors',
    'Received packets that were marked bad on their way.',
  ],
  [
    'port_rcv_switch_relay_errors',
    'port_receive_switch_relay_errors',
    'Received packets that the switch could not pass on.',
  ],
  [
    'port_xmit_constraint_errors',
    'port_constraint_errors_transmitted',
    'Packets that were to be sent but not allowed.',
  ],
  ['port_xmit_data', 'port_data_transmitted_bytes', 'Bytes sent.'],
  ['port_xmit_discards', 'port_discards_transmitted', 'Packets discarded instead of sent.'],
  ['port_xmit_packets', 'port_packets_transmitted', 'Packets sent.'],
  ['port_xmit_wait', 'port_transmit_wait', 'Ticks in which data waited to be sent.'],
  ['symbol_error', 'symbol_error', 'Minor errors of the link.'],
  ['unicast_rcv_packets', 'unicast_packets_received', 'Unicast packets received.'],
  ['unicast_xmit_packets', 'unicast_packets_transmitted', 'Unicast packets sent.'],
].map(([file, name, help]) => counter(`counters/${file!}`, name!, help!));

/** Counters of 64 bits that kernels before 4.5 had besides those of 32. */
const LEGACY_COUNTERS: readonly Attribute[] = [
  ['port_multicast_rcv_packets', 'multicast_packets_received', 'Multicast packets received.'],
  ['port_multicast_xmit_packets', 'multicast_packets_transmitted', 'Multicast packets sent.'],
  ['port_rcv_data_64', 'data_received_bytes', 'Bytes received.'],
  ['port_rcv_packets_64', 'packets_received', 'Packets received.'],
  ['port_unicast_rcv_packets', 'unicast_packets_received', 'Unicast packets received.'],
  ['port_unicast_xmit_packets', 'unicast_packets_transmitted', 'Unicast packets sent.'],
  ['port_xmit_data_64', 'data_transmitted_bytes', 'Bytes sent.'],
  ['port_xmit_packets_64', 'packets_transmitted', 'Packets sent.'],
].map(([file, name, help]) => counter(`counters_ext/${file!}`, `legacy_${name!}`, help!));

const ATTRIBUTES = [...PORT, ...COUNTERS, ...LEGACY_COUNTERS];

/** `4: ACTIVE` */
function stateNumber(scan: ByteScanner): number {
  const number = leadingDigits(scan);
  return scan.skipByte(COLON) ? number : NaN;
}

/** `2.5 Gb/sec (1X SDR)`, in whole bytes; node_exporter reads the number in single precision. */
function gigabits(scan: ByteScanner): number {
  return Math.trunc(Math.fround(scan.number()) * BYTES_PER_GIGABIT);
}

function device(directory: string, name: string, pace: Pace): SourcePart {
  return sourceFromParts('infiniband', [
    new InfoSeries('infiniband', INFO, () => [
      ['device', name],
      textLabel('board_id', `${directory}/board_id`),
      textLabel('firmware_version', `${directory}/fw_ver`),
      textLabel('hca_type', `${directory}/hca_type`),
    ]),
    new DeviceDirectory(`${directory}/ports`, /^(\d{1,9})$/, (path, port) => {
      const labels: Label[] = [
        ['device', name],
        ['port', port],
      ];
      return new DeviceAttributes('infiniband', path, labels, ATTRIBUTES, pace);
    }),
  ]);
}

/** `/sys/class/infiniband`, see the kernel's Documentation/ABI/stable/sysfs-class-infiniband. */
export const infinibandSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('infiniband', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/class/infiniband`, /^(.{1,64})$/s, (directory, name) =>
      device(directory, name, pace),
    ),
  ]);
};
