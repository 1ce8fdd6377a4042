import type { HostFiles } from './host-files.ts';

/** The statistics of a device of which all of them differ. */
function disk(major: number, minor: number, name: string, base: number): string {
  const statistics = [
    27 * base,
    3 * base,
    1331 * base,
    41 * base + 7,
    19 * base,
    11 * base,
    917 * base,
    53 * base + 1,
    base % 4,
    31 * base + 3,
    97 * base + 9,
    5 * base,
    base,
    421 * base,
    2 * base + 5,
    7 * base,
    3 * base + 2,
  ];
  return `${String(major).padStart(4)} ${String(minor).padStart(7)} ${name} ${statistics.join(' ')}\n`;
}

function idle(major: number, minor: number, name: string): string {
  return `${String(major).padStart(4)} ${String(minor).padStart(7)} ${name}${' 0'.repeat(17)}\n`;
}

function udev(properties: Readonly<Record<string, string>>, ...links: readonly string[]): string {
  return [
    ...links.map((link) => `S:disk/by-id/${link}`),
    'I:7215512',
    ...Object.entries(properties).map(([name, value]) => `E:${name}=${value}`),
    'G:systemd',
    'V:1',
    '',
  ].join('\n');
}

const DISKSTATS = [
  disk(259, 0, 'nvme0n1', 8_172_635),
  disk(259, 1, 'nvme0n1p1', 17),
  disk(259, 2, 'nvme0n1p2', 23),
  disk(259, 3, 'nvme1n1', 7_162_534),
  disk(8, 0, 'sda', 918_273),
  disk(8, 1, 'sda1', 31),
  disk(8, 16, 'sdb', 817_263),
  disk(65, 160, 'sdaa', 61_524),
  disk(65, 161, 'sdaa1', 61_523),
  disk(253, 0, 'dm-0', 1_029_384),
  disk(253, 1, 'dm-1', 91_827),
  disk(253, 2, 'dm-2', 7),
  disk(9, 0, 'md0', 65_432),
  disk(11, 0, 'sr0', 1),
  idle(7, 0, 'loop0'),
  idle(1, 0, 'ram0'),
  disk(252, 0, 'zram0', 4321),
  disk(179, 0, 'mmcblk0', 99),
  disk(179, 1, 'mmcblk0p1', 98),
  disk(43, 0, 'nbd0', 12),
].join('');

const DATA = 'root/run/udev/data';

/** A server with disks of many kinds, of which udev knows most. */
export const diskstatsFiles: HostFiles = {
  'proc/diskstats': DISKSTATS,
  [`${DATA}/b259:0`]: udev(
    {
      ID_SERIAL_SHORT: 'S64GNE0T501123',
      ID_WWN: 'eui.36344730545011230025384500000001',
      ID_MODEL: 'SAMSUNG MZQL21T9HCJR-00A07',
      ID_REVISION: 'GDC7502Q',
      ID_SERIAL: 'SAMSUNG_MZQL21T9HCJR-00A07_S64GNE0T501123',
      ID_PATH: 'pci-0000:02:00.0-nvme-1',
      ID_PART_TABLE_TYPE: 'gpt',
    },
    'nvme-SAMSUNG_MZQL21T9HCJR-00A07_S64GNE0T501123',
  ),
  [`${DATA}/b8:0`]: udev({
    ID_ATA: '1',
    ID_TYPE: 'disk',
    ID_BUS: 'ata',
    ID_MODEL: 'ST18000NM000J-2TV103',
    ID_MODEL_ENC: 'ST18000NM000J-2TV103\\x20\\x20\\x20\\x20',
    ID_REVISION: 'SN02',
    ID_SERIAL: 'ST18000NM000J-2TV103_ZR5A1B2C',
    ID_SERIAL_SHORT: 'ZR5A1B2C',
    ID_ATA_WRITE_CACHE: '1',
    ID_ATA_WRITE_CACHE_ENABLED: '0',
    ID_ATA_ROTATION_RATE_RPM: '7200',
    ID_WWN: '0x5000c500e1b2c3d4',
    ID_PATH: 'pci-0000:00:17.0-ata-1.0',
    ID_FS_TYPE: 'LVM2_member',
    ID_FS_USAGE: 'raid',
    ID_FS_UUID: 'kXcP2o-Qm3F-9y7C-Tq1V-aB2c-D3eF-gH4iJ5',
    ID_FS_VERSION: 'LVM2 001',
  }),
  [`${DATA}/b8:16`]: udev({
    ID_ATA: '1',
    ID_MODEL: 'Micron_5300_MTFDDAK1T9TDS',
    ID_SERIAL_SHORT: '2034290A1B2C',
    ID_ATA_WRITE_CACHE: '1',
    ID_ATA_WRITE_CACHE_ENABLED: '1',
    ID_ATA_ROTATION_RATE_RPM: '0',
  }),
  [`${DATA}/b65:160`]: udev({
    ID_SCSI: '1',
    ID_MODEL: 'PERC_H740P_Adp',
    ID_REVISION: '5.13',
    ID_SERIAL_SHORT: '6d0946606f1a2b00287c0f3d1a2b3c4d',
    SCSI_IDENT_SERIAL: '0044556677889900aa',
    ID_PATH: 'pci-0000:3b:00.0-scsi-0:2:0:0',
  }),
  [`${DATA}/b253:0`]: udev({
    DM_NAME: 'vg--data-lv_home',
    DM_UUID: 'LVM-aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ01',
    DM_VG_NAME: 'vg-data',
    DM_LV_NAME: 'lv_home',
    ID_FS_TYPE: 'xfs',
    ID_FS_USAGE: 'filesystem',
    ID_FS_UUID: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  }),
  [`${DATA}/b253:1`]: udev({
    DM_NAME: 'vg--data-pool_tmeta',
    DM_UUID: 'LVM-aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567890000000000000000000000000000-tmeta',
    DM_VG_NAME: 'vg-data',
    DM_LV_NAME: 'pool',
    DM_LV_LAYER: 'tmeta',
  }),
  [`${DATA}/b253:2`]: udev({
    DM_NAME: 'luks-8f6f2a0e',
    DM_UUID: 'CRYPT-LUKS2-8f6f2a0e5d1e4b1c9c3a2f4b6d8e0a12-luks-8f6f2a0e',
    ID_FS_TYPE: 'swap',
    ID_FS_USAGE: 'other',
    ID_FS_VERSION: '1',
  }),
  [`${DATA}/b9:0`]: udev({ MD_LEVEL: 'raid1', ID_FS_TYPE: 'ext4', ID_FS_VERSION: '1.0' }),
  [`${DATA}/b11:0`]: '',
};
