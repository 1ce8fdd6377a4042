import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SourceFactory } from '../source.ts';
import { attributeText } from './attribute-text.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { Pace } from './pace.ts';
import { RenewedPart } from './renewed-part.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

function counter(name: string, help: string): Metric {
  return { name: `node_edac_${name}_total`, kind: 'counter', unit: '', help };
}

const CORRECTABLE = counter('correctable_errors', 'Memory errors that were corrected.');
const UNCORRECTABLE = counter('uncorrectable_errors', 'Memory errors that were not corrected.');
const ROW_CORRECTABLE = counter(
  'csrow_correctable_errors',
  'Memory errors that were corrected, by the row of chips they were in.',
);
const ROW_UNCORRECTABLE = counter(
  'csrow_uncorrectable_errors',
  'Memory errors that were not corrected, by the row of chips they were in.',
);
const CHANNEL_CORRECTABLE = counter(
  'channel_correctable_errors',
  'Memory errors that were corrected, by the channel of the row they were in.',
);
const MODULE_CORRECTABLE = counter(
  'dimm_correctable_errors',
  'Memory errors that were corrected, by the module they were in.',
);
const MODULE_UNCORRECTABLE = counter(
  'dimm_uncorrectable_errors',
  'Memory errors that were not corrected, by the module they were in.',
);

const CONTROLLER: readonly Attribute[] = [
  { file: 'ce_count', metric: CORRECTABLE },
  { file: 'ue_count', metric: UNCORRECTABLE },
];
/** Errors of which it is not known where they were. */
const NOWHERE: readonly Attribute[] = [
  { file: 'ce_noinfo_count', metric: ROW_CORRECTABLE },
  { file: 'ue_noinfo_count', metric: ROW_UNCORRECTABLE },
];
const ROW: readonly Attribute[] = [
  { file: 'ce_count', metric: ROW_CORRECTABLE },
  { file: 'ue_count', metric: ROW_UNCORRECTABLE },
];
const MODULE: readonly Attribute[] = [
  { file: 'dimm_ce_count', metric: MODULE_CORRECTABLE },
  { file: 'dimm_ue_count', metric: MODULE_UNCORRECTABLE },
];

/**
 * Drivers know either rows of chips with channels or modules; where there are rows, their ranks
 * count the same errors once more.
 */
function controller(directory: string, id: string, pace: Pace): SourcePart {
  const label: Label = ['controller', id];
  let hasRows = false;
  return sourceFromParts('edac', [
    new DeviceAttributes('edac', directory, [label], CONTROLLER, pace),
    new DeviceAttributes('edac', directory, [label, ['csrow', 'unknown']], NOWHERE, pace),
    new DeviceDirectory(directory, /^csrow(\d{1,9})$/, (path, csrow) => {
      hasRows = true;
      return row(path, [label, ['csrow', csrow]], pace);
    }),
    new DeviceDirectory(directory, /^(?:dimm|rank)(\d{1,9})$/, (path, dimm) =>
      hasRows ? null : memoryModule(path, [label, ['dimm', dimm]], pace),
    ),
  ]);
}

function row(directory: string, labels: readonly Label[], pace: Pace): SourcePart {
  return sourceFromParts('edac', [
    new DeviceAttributes('edac', directory, labels, ROW, pace),
    new DeviceDirectory(directory, /^ch(\d{1,9})_ce_count$/, (_path, channel) =>
      labelled(`${directory}/ch${channel}_dimm_label`, (text) => {
        const attribute = { file: `ch${channel}_ce_count`, metric: CHANNEL_CORRECTABLE };
        const own: Label[] = [
          ['channel', channel],
          ['dimm_label', channelLabel(text)],
        ];
        return new DeviceAttributes('edac', directory, [...labels, ...own], [attribute], pace);
      }),
    ),
  ]);
}

function memoryModule(directory: string, labels: readonly Label[], pace: Pace): SourcePart {
  return labelled(`${directory}/dimm_label`, (text) => {
    const own: Label = ['dimm_label', text];
    return new DeviceAttributes('edac', directory, [...labels, own], MODULE, pace);
  });
}

/** People may give modules labels at any time. */
function labelled(path: string, open: (text: string) => SourcePart): SourcePart {
  return new RenewedPart(() => attributeText(path)?.trim() || 'unknown', open);
}

/** As node_exporter spells the label that a driver made up of the place of a module. */
function channelLabel(text: string): string {
  return text.replaceAll('#', '').replaceAll('csrow', '_csrow').replaceAll('channel', '_channel');
}

/** `/sys/devices/system/edac/mc`, see the kernel's Documentation/admin-guide/ras.rst. */
export const edacSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('edac', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/devices/system/edac/mc`, /^mc(\d{1,9})$/, (path, id) =>
      controller(path, id, pace),
    ),
  ]);
};
