import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

type Files = Readonly<Record<string, string | number>>;

function host(id: number, files: Files, statistics: Files): HostFiles {
  const path = `devices/pci0000:00/0000:00:0${id}.0/host${id}/fc_host/host${id}`;
  return {
    [`sys/class/fc_host/host${id}`]: { link: `../../${path}` },
    ...attributes(`sys/${path}`, files),
    ...attributes(`sys/${path}/statistics`, statistics),
  };
}

const ONLINE: Files = {
  dev_loss_tmo: 30,
  fabric_name: '0x100000051ed60cde',
  node_name: '0x2000e0071bce95f2',
  port_id: '0x000002',
  port_name: '0x1000e0071bce95f2',
  port_state: 'Online',
  port_type: 'Point-To-Point (direct nport connection)',
  speed: '16 Gbit',
  supported_classes: 'Class 3',
  supported_speeds: '4 Gbit, 8 Gbit, 16 Gbit',
  symbolic_name: 'QLE2692 FW:v9.08.02 DVR:v10.02.07.800-k',
};

const STATISTICS: Files = {
  dumped_frames: '0xffffffffffffffff',
  error_frames: '0x0',
  fcp_control_requests: '0x7',
  fcp_packet_aborts: '0x13',
  invalid_crc_count: '0x2',
  invalid_tx_word_count: '0x8',
  link_failure_count: '0x9',
  lip_count: '0x4',
  loss_of_signal_count: '0x11',
  loss_of_sync_count: '0x10',
  nos_count: '0x12',
  rx_frames: '0x3',
  rx_words: '0x1f8e7c5d3b',
  seconds_since_last_reset: '0x7',
  tx_frames: '0x5',
  tx_words: '0xfffffffff',
};

/** An adapter with a link and one without, whose firmware does not count everything. */
export const fibrechannelFiles: HostFiles = {
  ...host(1, ONLINE, STATISTICS),
  ...host(
    2,
    {
      ...ONLINE,
      fabric_name: '0xffffffffffffffff',
      port_id: '0x000000',
      port_name: '0x1000e0071bce95f3',
      port_state: 'Linkdown',
      port_type: 'Unknown',
      speed: 'unknown',
    },
    { ...STATISTICS, nos_count: '0xffffffffffffffff', rx_words: '0x0' },
  ),
};
