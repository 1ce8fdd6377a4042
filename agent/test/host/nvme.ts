import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

const CLASS = 'sys/class/nvme';

/** The texts have the width of the fields in the controller's answer. */
function controller(id: number, model: string, serial: string, state: string): HostFiles {
  const device = `sys/devices/pci0000:00/0000:00:1d.${id}/0000:0${id + 2}:00.0/nvme/nvme${id}`;
  return {
    [`${CLASS}/nvme${id}`]: { link: `../../${device.slice('sys/'.length)}` },
    ...attributes(device, {
      address: `0000:0${id + 2}:00.0`,
      cntlid: id + 5,
      firmware_rev: 'GDC7502Q',
      model: model.padEnd(40),
      serial: serial.padEnd(20),
      state,
      transport: 'pcie',
      'power/control': 'auto',
    }),
  };
}

function namespace(path: string, blocks: number, blockBytes: number, nuse: number): HostFiles {
  return attributes(`sys/devices/${path}`, {
    nuse,
    'queue/logical_block_size': blockBytes,
    size: (blocks * blockBytes) / 512,
    wwid: 'eui.0025384b21406f6e',
  });
}

/** Two disks of one path each, one with blocks of 4 KiB, and one that has fallen off the bus. */
export const nvmeFiles: HostFiles = {
  ...controller(0, 'SAMSUNG MZQL21T9HCJR-00A07', 'S64GNE0T501123', 'live'),
  ...namespace(
    'pci0000:00/0000:00:1d.0/0000:02:00.0/nvme/nvme0/nvme0n1',
    3_750_748_848,
    512,
    1_284_336_640,
  ),
  ...controller(1, 'INTEL SSDPE2KX040T8', 'PHLJ9393005Z4P0DGN', 'live'),
  ...namespace(
    'pci0000:00/0000:00:1d.1/0000:03:00.0/nvme/nvme1/nvme1c1n2',
    976_754_646,
    4096,
    976_754_646,
  ),
  'sys/devices/pci0000:00/0000:00:1d.1/0000:03:00.0/nvme/nvme1/nvme1c1n2/ana_state': 'optimized\n',
  ...controller(2, 'KIOXIA KCD61LUL3T84', '2100A01ATM08', 'dead'),
};
