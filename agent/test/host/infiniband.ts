import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

type Files = Readonly<Record<string, string | number>>;

function device(name: string, files: Files): HostFiles {
  const path = `devices/pci0000:80/0000:80:02.0/0000:81:00.0/infiniband/${name}`;
  return {
    [`sys/class/infiniband/${name}`]: { link: `../../${path}` },
    ...attributes(`sys/${path}`, { fw_ver: '20.35.2000', node_guid: '1234', ...files }),
  };
}

function port(number: number, state: string, physical: string, rate: string, data: number): Files {
  const directory = `ports/${number}`;
  return {
    [`${directory}/state`]: state,
    [`${directory}/phys_state`]: physical,
    [`${directory}/rate`]: rate,
    [`${directory}/lid`]: '0x2a',
    [`${directory}/counters/VL15_dropped`]: 0,
    [`${directory}/counters/excessive_buffer_overrun_errors`]: 0,
    [`${directory}/counters/link_downed`]: 3,
    [`${directory}/counters/link_error_recovery`]: 1,
    [`${directory}/counters/local_link_integrity_errors`]: 0,
    [`${directory}/counters/multicast_rcv_packets`]: 93,
    [`${directory}/counters/multicast_xmit_packets`]: 16,
    [`${directory}/counters/port_rcv_constraint_errors`]: 5,
    [`${directory}/counters/port_rcv_data`]: data,
    [`${directory}/counters/port_rcv_discards`]: 7,
    [`${directory}/counters/port_rcv_errors`]: 2,
    [`${directory}/counters/port_rcv_packets`]: 6_825_908_347,
    [`${directory}/counters/port_rcv_remote_physical_errors`]: 0,
    [`${directory}/counters/port_rcv_switch_relay_errors`]: 0,
    [`${directory}/counters/port_xmit_constraint_errors`]: 4,
    [`${directory}/counters/port_xmit_data`]: data + 1,
    [`${directory}/counters/port_xmit_discards`]: 8,
    [`${directory}/counters/port_xmit_packets`]: 6_235_865,
    [`${directory}/counters/port_xmit_wait`]: 4_294_967_295,
    [`${directory}/counters/symbol_error`]: 0,
    [`${directory}/counters/unicast_rcv_packets`]: 61_148,
    [`${directory}/counters/unicast_xmit_packets`]: 61_239,
  };
}

/** Counters of 64 bits that kernels before 4.5 had elsewhere. */
function extendedCounters(number: number): Files {
  const directory = `ports/${number}/counters_ext`;
  return {
    [`${directory}/port_multicast_rcv_packets`]: 11,
    [`${directory}/port_multicast_xmit_packets`]: 12,
    [`${directory}/port_rcv_data_64`]: 13,
    [`${directory}/port_rcv_packets_64`]: 14,
    [`${directory}/port_unicast_rcv_packets`]: 15,
    [`${directory}/port_unicast_xmit_packets`]: 16,
    [`${directory}/port_xmit_data_64`]: 17,
    [`${directory}/port_xmit_packets_64`]: 18,
  };
}

/** A card with a link and one without, and one of an old kernel. */
export const infinibandFiles: HostFiles = {
  ...device('mlx5_0', {
    board_id: 'MT_0000000224',
    hca_type: 'MT4123',
    ...port(1, '4: ACTIVE', '5: LinkUp', '100 Gb/sec (4X EDR)', 1_254_687_221_893),
  }),
  ...device('mlx5_1', {
    board_id: 'MT_0000000224',
    ...port(1, '1: DOWN', '3: Disabled', '2.5 Gb/sec (1X SDR)', 0),
  }),
  ...device('mlx4_0', {
    board_id: 'SM_1141000001000',
    hca_type: 'MT4099',
    ...port(1, '4: ACTIVE', '5: LinkUp', '40 Gb/sec (4X QDR)', 2),
    ...extendedCounters(1),
    ...port(2, '2: INIT', '2: Polling', '14 Gb/sec (1X FDR)', 4_611_686_018),
    ...extendedCounters(2),
  }),
};
