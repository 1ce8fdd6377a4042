import type { HostPaths, Metric, SeriesSink, Source } from '../source.ts';
import { DeviceDirectory } from './device-directory.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { readTextFile } from './quiet-files.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { localZoneRule, zoneName } from './time-zone.ts';

const SOURCES_MAX = 32;

const TIME: Metric = {
  name: 'node_time_seconds',
  kind: 'gauge',
  unit: 'seconds',
  help: 'The system clock, in Unix time.',
};
const ZONE_OFFSET: Metric = {
  name: 'node_time_zone_offset_seconds',
  kind: 'gauge',
  unit: 'seconds',
  help: 'How far local time is ahead of UTC.',
};
const AVAILABLE: Metric = {
  name: 'node_time_clocksource_available_info',
  kind: 'gauge',
  unit: '',
  help: 'A clock that the kernel could use; always 1.',
};
const CURRENT: Metric = {
  name: 'node_time_clocksource_current_info',
  kind: 'gauge',
  unit: '',
  help: 'The clock that the kernel uses; always 1.',
};

/** The clock and zone of this process. */
export interface LocalClock {
  nowMs(): number;
  /** Minutes that UTC is ahead of local time, as `Date.prototype.getTimezoneOffset`. */
  utcAheadMinutes(): number;
  /** A POSIX TZ rule, or undefined if the zone is not known. */
  readonly zoneRule: string | undefined;
}

const systemClock: LocalClock = {
  nowMs: Date.now,
  utcAheadMinutes: () => new Date().getTimezoneOffset(),
  get zoneRule() {
    return localZoneRule(process.env['TZ']);
  },
};

class WallClock implements SourcePart {
  readonly #clock: LocalClock;
  readonly #zoneRule: string | undefined;
  #timeSlot = -1;
  #zoneSlot = -1;
  #offsetSeconds = NaN;

  constructor(clock: LocalClock) {
    this.#clock = clock;
    this.#zoneRule = clock.zoneRule;
  }

  read(sink: SeriesSink): void {
    if (this.#timeSlot === -1) this.#timeSlot = sink.declare(TIME);
    sink.set(this.#timeSlot, this.#clock.nowMs() / 1000);
    const offsetSeconds = 0 - this.#clock.utcAheadMinutes() * 60;
    if (offsetSeconds !== this.#offsetSeconds) {
      this.#offsetSeconds = offsetSeconds;
      const name = zoneName(this.#zoneRule, offsetSeconds);
      this.#zoneSlot = declareRow(sink, 'time', [ZONE_OFFSET], [['time_zone', name]])?.[0] ?? -1;
    }
    if (this.#zoneSlot !== -1) sink.set(this.#zoneSlot, offsetSeconds);
  }

  close(): void {
    this.#offsetSeconds = NaN;
  }
}

/**
 * `/sys/devices/system/clocksource/clocksourceN`, see the kernel's
 * Documentation/ABI/testing/sysfs-devices-clocksource. Read seldom.
 */
class ClockSources implements SourcePart {
  readonly #directory: string;
  readonly #device: string;
  #slots: number[] = [];
  #readsToRefresh = 0;

  constructor(directory: string, device: string) {
    this.#directory = directory;
    this.#device = device;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToRefresh === 0) this.#refresh(sink);
    this.#readsToRefresh--;
    for (const slot of this.#slots) sink.set(slot, 1);
  }

  close(): void {
    this.#readsToRefresh = 0;
  }

  #refresh(sink: SeriesSink): void {
    this.#readsToRefresh = SELDOM_READS;
    this.#slots = [];
    this.#add(sink, AVAILABLE, 'available_clocksource');
    this.#add(sink, CURRENT, 'current_clocksource');
  }

  #add(sink: SeriesSink, metric: Metric, file: string): void {
    const words = (readTextFile(`${this.#directory}/${file}`) ?? '').split(/\s+/);
    for (const word of words.slice(0, SOURCES_MAX)) {
      if (word === '') continue;
      const slots = declareRow(
        sink,
        'time',
        [metric],
        [
          ['clocksource', word],
          ['device', this.#device],
        ],
      );
      if (slots !== null) this.#slots.push(slots[0]!);
    }
  }
}

/** The clock of the system, its zone and what drives it. */
export function timeSource(paths: HostPaths, clock: LocalClock = systemClock): Source {
  return sourceFromParts('time', [
    new WallClock(clock),
    new DeviceDirectory(
      `${paths.sysfs}/devices/system/clocksource`,
      /^clocksource(\d{1,9})$/,
      (directory, device) => new ClockSources(directory, device),
    ),
  ]);
}
