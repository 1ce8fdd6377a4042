import { attributes } from './attributes.ts';
import type { HostFiles } from './host-files.ts';

const DIRECTORY = 'sys/devices/system/edac/mc';

/** A controller whose driver knows rows and channels; its ranks count the same errors again. */
function controllerWithRows(id: number): HostFiles {
  return attributes(`${DIRECTORY}/mc${id}`, {
    ce_count: 11,
    ce_noinfo_count: 2,
    ue_count: 1,
    ue_noinfo_count: 0,
    mc_name: 'F17h_M30h',
    seconds_since_reset: 8_125_133,
    size_mb: 65_536,
    'csrow0/ce_count': 9,
    'csrow0/ue_count': 1,
    'csrow0/size_mb': 32_768,
    'csrow0/ch0_ce_count': 7,
    'csrow0/ch0_dimm_label': `mc#${id}csrow#0channel#0`,
    'csrow0/ch1_ce_count': 2,
    'csrow0/ch1_dimm_label': `mc#${id}csrow#0channel#1`,
    'csrow1/ce_count': 0,
    'csrow1/ue_count': 0,
    'csrow1/ch0_ce_count': 0,
    'rank0/dimm_ce_count': 7,
    'rank0/dimm_ue_count': 1,
    'rank0/dimm_label': `mc#${id}csrow#0channel#0`,
  });
}

/** A controller whose driver knows modules alone. */
function controllerWithModules(id: number): HostFiles {
  const directory = `${DIRECTORY}/mc${id}`;
  return attributes(directory, {
    ce_count: 305,
    ce_noinfo_count: 0,
    ue_count: 0,
    ue_noinfo_count: 0,
    mc_name: `Intel_10nm Socket#0 IMC#${id}`,
    max_location: 'channel 2 slot 1 ',
    'dimm0/dimm_ce_count': 305,
    'dimm0/dimm_ue_count': 0,
    'dimm0/dimm_label': `CPU_SrcID#0_MC#${id}_Chan#0_DIMM#0`,
    'dimm0/size': 32_768,
    'dimm2/dimm_ce_count': 0,
    'dimm2/dimm_ue_count': 0,
    'dimm2/dimm_label': '',
  });
}

/** Two memory controllers with different kinds of drivers. */
export const edacFiles: HostFiles = { ...controllerWithRows(0), ...controllerWithModules(1) };
