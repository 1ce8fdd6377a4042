import type { SeriesSink } from '../source.ts';
import { namesIn } from './quiet-files.ts';
import { SELDOM_READS } from './kernel-file.ts';
import type { SourcePart } from './source-parts.ts';

/** Devices beyond this many are left out. */
const DEVICES_MAX = 1024;

/**
 * A sysfs directory with an entry a device, such as `/sys/class/thermal`. The directory is listed
 * now and then; the devices' own files are read at every tick.
 */
export class DeviceDirectory implements SourcePart {
  readonly #path: string;
  readonly #name: RegExp;
  readonly #open: (directory: string, id: string) => SourcePart | null;
  readonly #devices = new Map<string, SourcePart | null>();
  #readsToListing = 0;

  /** `name` has one group, the device's id; `open` gives the device's reader or null. */
  constructor(
    path: string,
    name: RegExp,
    open: (directory: string, id: string) => SourcePart | null,
  ) {
    this.#path = path;
    this.#name = name;
    this.#open = open;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToListing === 0) {
      this.#list();
      this.#readsToListing = SELDOM_READS;
    }
    this.#readsToListing--;
    for (const device of this.#devices.values()) device?.read(sink);
  }

  close(): void {
    for (const device of this.#devices.values()) device?.close();
    this.#devices.clear();
    this.#readsToListing = 0;
  }

  #list(): void {
    const names = new Set(namesIn(this.#path));
    for (const [name, device] of this.#devices) {
      // An entry without a reader is asked again: its files may have appeared since.
      if (names.has(name) && device !== null) continue;
      device?.close();
      this.#devices.delete(name);
    }
    for (const name of names) {
      if (this.#devices.has(name) || this.#devices.size >= DEVICES_MAX) continue;
      const id = this.#name.exec(name)?.[1];
      if (id !== undefined) this.#devices.set(name, this.#open(`${this.#path}/${name}`, id));
    }
  }
}
