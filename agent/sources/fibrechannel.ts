import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SourceFactory } from '../source.ts';
import { attributeText, textLabel } from './attribute-text.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { DeviceDirectory } from './device-directory.ts';
import { InfoSeries } from './info-series.ts';
import { Pace } from './pace.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** All bits set: the firmware does not count this. */
const NOT_COUNTED = 2 ** 64;

const INFO: Metric = {
  name: 'node_fibrechannel_info',
  kind: 'gauge',
  unit: '',
  help: 'What a Fibre Channel port is and how it does; always 1.',
};
/** Labels of `INFO`, named as their files. */
const INFO_LABELS = [
  'dev_loss_tmo',
  'port_state',
  'port_type',
  'speed',
  'supported_classes',
  'supported_speeds',
  'symbolic_name',
];
/** As well, but without the `0x` before them. */
const INFO_NUMBERS = ['fabric_name', 'port_id', 'port_name'];

function counter(file: string, name: string, help: string): Attribute {
  return {
    file: `statistics/${file}`,
    metric: {
      name: `node_fibrechannel_${name}_total`,
      kind: 'counter',
      unit: name.startsWith('seconds') ? 'seconds' : '',
      help,
    },
    none: NOT_COUNTED,
  };
}

const STATISTICS: readonly Attribute[] = [
  counter('dumped_frames', 'dumped_frames', 'Frames that were dropped for want of resources.'),
  counter('error_frames', 'error_frames', 'Frames with an error.'),
  counter('fcp_packet_aborts', 'fcp_packet_aborts', 'Packets that were aborted.'),
  counter('invalid_crc_count', 'invalid_crc', 'Frames with a wrong check sum.'),
  counter('invalid_tx_word_count', 'invalid_tx_words', 'Invalid words on the line.'),
  counter('link_failure_count', 'link_failure', 'Times that the link failed.'),
  counter('loss_of_signal_count', 'loss_of_signal', 'Times that there was no signal.'),
  counter('loss_of_sync_count', 'loss_of_sync', 'Times that the receiver lost its place.'),
  counter('nos_count', 'nos', 'Times that the other end was not operational.'),
  counter('rx_frames', 'rx_frames', 'Frames received.'),
  counter('rx_words', 'rx_words', 'Words received.'),
  counter('seconds_since_last_reset', 'seconds_since_last_reset', 'Time since the last reset.'),
  counter('tx_frames', 'tx_frames', 'Frames sent.'),
  counter('tx_words', 'tx_words', 'Words sent.'),
];

function port(directory: string, name: string, pace: Pace): SourcePart {
  const label: Label = ['fc_host', name];
  return sourceFromParts('fibrechannel', [
    new InfoSeries('fibrechannel', INFO, () => [
      label,
      ...INFO_LABELS.map((file) => textLabel(file, `${directory}/${file}`)),
      ...INFO_NUMBERS.map((file) => numberLabel(file, `${directory}/${file}`)),
    ]),
    new DeviceAttributes('fibrechannel', directory, [label], STATISTICS, pace),
  ]);
}

function numberLabel(label: string, path: string): Label {
  return [label, (attributeText(path) ?? '').trim().replace(/^0x(?=.)/, '')];
}

/** `/sys/class/fc_host`, made in the kernel's drivers/scsi/scsi_transport_fc.c. */
export const fibrechannelSource: SourceFactory = (paths) => {
  const pace = new Pace();
  return sourceFromParts('fibrechannel', [
    pace,
    new DeviceDirectory(`${paths.sysfs}/class/fc_host`, /^(host\d{1,9})$/, (directory, name) =>
      port(directory, name, pace),
    ),
  ]);
};
