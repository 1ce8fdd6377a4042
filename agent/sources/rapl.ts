import type { SourceFactory } from '../source.ts';
import { namesIn } from './quiet-files.ts';
import { attributeText } from './attribute-text.ts';
import { DeviceAttributes, type Attribute } from './device-attributes.ts';
import { Pace } from './pace.ts';
import { RenewedPart } from './renewed-part.ts';
import { isMetricName } from './series-row.ts';
import { sourceFromParts } from './source-parts.ts';

const MICROJOULES_PER_JOULE = 1_000_000;
/** Zones beyond this many are left out. */
const ZONES_MAX = 1024;

/** A zone's name by the name of its directory. */
type Zones = readonly (readonly [directory: string, name: string])[];

/** Control types have a directory here as well, but no name. */
function zonesIn(directory: string): Zones {
  const zones: (readonly [string, string])[] = [];
  for (const entry of namesIn(directory).slice(0, ZONES_MAX)) {
    const name = attributeText(`${directory}/${entry}/name`)?.trim();
    if (name !== undefined) zones.push([entry, name]);
  }
  return zones;
}

/**
 * The counter of each zone. It begins anew at the zone's `max_energy_range_uj`, which is shown as it
 * is, and since Linux 5.10 it is for root alone.
 */
function energies(directory: string, zones: Zones): Attribute[] {
  const namesakes = new Map<string, number>();
  const attributes: Attribute[] = [];
  for (const [entry, fullName] of zones) {
    // The zone of a package is called after it, other zones of the same name are counted.
    const [, base, number] = /^([^-]*)-(\d{1,9})$/.exec(fullName) ?? [];
    const name = base ?? fullName;
    const index = number === undefined ? (namesakes.get(name) ?? 0) : Number(number);
    namesakes.set(name, index + 1);
    const metric = `node_rapl_${name.replaceAll(/[^a-zA-Z0-9_]/g, '_')}_joules_total`;
    if (!isMetricName(metric)) continue;
    attributes.push({
      file: `${entry}/energy_uj`,
      metric: {
        name: metric,
        kind: 'counter',
        unit: 'joules',
        help: `Energy that ${name} has used, until the counter begins anew.`,
      },
      labels: [
        ['index', String(index)],
        ['path', `${directory}/${entry}`],
      ],
      divisor: MICROJOULES_PER_JOULE,
    });
  }
  return attributes;
}

/** `/sys/class/powercap`, see the kernel's Documentation/power/powercap/powercap.rst. */
export const raplSource: SourceFactory = (paths) => {
  const directory = `${paths.sysfs}/class/powercap`;
  const pace = new Pace();
  return sourceFromParts('rapl', [
    pace,
    new RenewedPart(
      () => JSON.stringify(zonesIn(directory)),
      () => {
        const attributes = energies(directory, zonesIn(directory));
        return new DeviceAttributes('rapl', directory, [], attributes, pace);
      },
    ),
  ]);
};
