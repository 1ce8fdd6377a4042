import { existsSync } from 'node:fs';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { namesIn } from './quiet-files.ts';
import { SELDOM_READS } from './kernel-file.ts';
import type { SourcePart } from './source-parts.ts';
import { NumberAttribute, readAttributeNumber } from './sysfs-attribute.ts';

const CPUS_MAX = 8192;

const CORE_THROTTLES: Metric = {
  name: 'node_cpu_core_throttles_total',
  kind: 'counter',
  unit: '',
  help: 'Times that a core was slowed down because it was too hot.',
};
const PACKAGE_THROTTLES: Metric = {
  name: 'node_cpu_package_throttles_total',
  kind: 'counter',
  unit: '',
  help: 'Times that a package (socket) was slowed down because it was too hot.',
};

/**
 * How often the cores and packages were too hot: `thermal_throttle` and `topology` of the CPUs
 * (the kernel's Documentation/ABI/testing/sysfs-devices-system-cpu). The CPUs of a core, and the
 * cores of a package, count the same; of each, the first CPU by name that has a counter is asked.
 */
export class CpuThrottles implements SourcePart {
  readonly #directory: string;
  /** By core (`package/core`) or by package. */
  #counters = new Map<string, NumberAttribute>();
  #readsToListing = 0;

  constructor(sysfs: string) {
    this.#directory = `${sysfs}/devices/system/cpu`;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToListing === 0) {
      this.#readsToListing = SELDOM_READS;
      this.#list();
    }
    this.#readsToListing--;
    for (const counter of this.#counters.values()) counter.read(sink);
  }

  close(): void {
    for (const counter of this.#counters.values()) counter.close();
    this.#counters.clear();
    this.#readsToListing = 0;
  }

  #list(): void {
    const before = this.#counters;
    this.#counters = new Map();
    for (const cpu of cpuNames(this.#directory)) this.#addCpu(`${this.#directory}/${cpu}`, before);
    for (const [key, counter] of before) {
      if (this.#counters.get(key) !== counter) counter.close();
    }
  }

  #addCpu(cpu: string, before: ReadonlyMap<string, NumberAttribute>): void {
    const throttle = `${cpu}/thermal_throttle`;
    if (!existsSync(throttle)) return;
    const packageId = readAttributeNumber(`${cpu}/topology/physical_package_id`);
    const coreId = readAttributeNumber(`${cpu}/topology/core_id`);
    if (!isId(packageId) || !isId(coreId)) return;
    const core = `${packageId}/${coreId}`;
    const packageLabel: Label = ['package', String(packageId)];
    const add = (key: string, file: string, metric: Metric, labels: readonly Label[]): void => {
      const path = `${throttle}/${file}`;
      if (this.#counters.has(key) || readAttributeNumber(path) === undefined) return;
      const known = before.get(key);
      const counter =
        known?.path === path ? known : new NumberAttribute(path, 'cpu', metric, labels);
      this.#counters.set(key, counter);
    };
    add(core, 'core_throttle_count', CORE_THROTTLES, [packageLabel, ['core', String(coreId)]]);
    add(String(packageId), 'package_throttle_count', PACKAGE_THROTTLES, [packageLabel]);
  }
}

/** A machine that does not know its topology says -1. */
function isId(number: number | undefined): boolean {
  return number !== undefined && Number.isSafeInteger(number) && number >= 0;
}

function cpuNames(directory: string): string[] {
  return namesIn(directory)
    .filter((name) => /^cpu\d{1,9}$/.test(name))
    .slice(0, CPUS_MAX);
}
