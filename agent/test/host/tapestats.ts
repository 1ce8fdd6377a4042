import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

function tape(id: number, mode: string): HostFiles {
  const name = `${mode}st${id}`;
  const path = `devices/pci0000:00/0000:00:05.0/host7/target7:0:${id}/7:0:${id}:0/scsi_tape/${name}`;
  return {
    [`sys/class/scsi_tape/${name}`]: { link: `../../${path}` },
    ...attributes(`sys/${path}/stats`, {
      in_flight: 1,
      io_ns: 9_247_011_087_720,
      other_cnt: 1409,
      read_byte_cnt: 979_383_912,
      read_cnt: 3741,
      read_ns: 33_788_355_744,
      resid_cnt: 19 + id,
      write_byte_cnt: 1_496_246_784_000,
      write_cnt: 53_772_916,
      write_ns: 5_233_597_394_395,
    }),
  };
}

/** Two drives; each has more names, for other modes of the same. */
export const tapestatsFiles: HostFiles = {
  ...tape(0, ''),
  ...tape(0, 'n'),
  ...tape(1, ''),
  ...tape(1, 'n'),
};
