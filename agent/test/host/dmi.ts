import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

/** A rack server's firmware; its serial numbers could be read, its SKU is missing. */
export const dmiFiles: HostFiles = {
  'sys/class/dmi/id': { link: '../../devices/virtual/dmi/id' },
  ...attributes('sys/devices/virtual/dmi/id', {
    bios_date: '10/17/2024',
    bios_release: '2.4',
    bios_vendor: 'American Megatrends International, LLC.',
    bios_version: '2.4a',
    board_asset_tag: 'Base Board Asset Tag',
    board_name: 'X12DPi-N6  ',
    board_serial: 'OM234S000001',
    board_vendor: 'Supermicro',
    board_version: '2.00',
    chassis_asset_tag: '',
    chassis_serial: 'C8260LL00A00001',
    chassis_type: 17,
    chassis_vendor: 'Supermicro',
    chassis_version: '0123456789',
    ec_firmware_release: '0.0',
    modalias: 'dmi:bvnAmericanMegatrendsInternational,LLC.:bvr2.4a:',
    product_family: 'Größe 2',
    product_name: 'SYS-620U-TNR',
    product_serial: 'S411900X0000001',
    product_uuid: '3cecefa1-2014-11ee-8000-3cecefa12014',
    product_version: '0123456789',
    sys_vendor: 'Supermicro',
    uevent: 'MODALIAS=dmi:bvnAmericanMegatrendsInternational,LLC.:bvr2.4a:',
  }),
};
