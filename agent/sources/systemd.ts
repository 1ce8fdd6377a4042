import { statSync } from 'node:fs';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { HostPaths, Metric, SeriesSink, Source, SourceOptions } from '../source.ts';
import type { StartChild } from './child-output.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';
import { SystemdObserver, type SystemdSnapshot } from './systemd-snapshot.ts';
import { Systemctl } from './systemctl.ts';

/** What node_exporter leaves out unless told otherwise. */
const UNITS_EXCLUDED = /^.+\.(automount|device|mount|scope|slice)$/;
/** Units beyond this many are left out. */
const UNITS_MAX = 2_000;
/** Different states of units that are counted; there are seven. */
const STATES_MAX = 16;
/** What systemd said is shown for so long if it does not answer any more. */
const SHOWN_READS_MAX = 3 * SELDOM_READS;
/** There as long as systemd is the host's first process; see sd_booted(3). */
const BOOTED = '/run/systemd/system';
/** Every unit has a series for each of these. */
const STATES = ['active', 'activating', 'deactivating', 'inactive', 'failed'] as const;

function gauge(name: string, help: string, unit = ''): Metric {
  return { name: `node_systemd_${name}`, kind: 'gauge', unit, help };
}

const UNIT_STATE = gauge('unit_state', 'Whether a unit is in a state.');
const UNITS = gauge('units', 'Units that are in a state.');
const RUNNING = gauge('system_running', 'Whether the system has started and no unit has failed.');
const VERSION = gauge('version', 'Version of systemd.');
const LAST_TRIGGER = gauge(
  'timer_last_trigger_seconds',
  'When a timer last elapsed, in Unix time; 0 for never.',
  'seconds',
);
const ACCEPTED: Metric = {
  ...gauge('socket_accepted_connections_total', 'Connections that a socket unit accepted.'),
  kind: 'counter',
};
const CURRENT = gauge('socket_current_connections', 'Connections of a socket unit.');
const REFUSED = gauge('socket_refused_connections_total', 'Connections that a unit refused.');

/** All of them, with their labels, for the documentation: no machine of tests runs systemd. */
export const systemdMetrics: readonly (readonly [metric: Metric, labels: readonly string[]])[] = [
  [UNIT_STATE, ['name', 'state', 'type']],
  [UNITS, ['state']],
  [RUNNING, []],
  [VERSION, ['version']],
  [LAST_TRIGGER, ['name']],
  [ACCEPTED, ['name']],
  [CURRENT, ['name']],
  [REFUSED, ['name']],
];

/** Shows the latest snapshot while the next one is taken in the background. */
class SystemdUnits implements SourcePart {
  readonly #observer: SystemdObserver;
  readonly #systemctl: Systemctl;
  readonly #isBooted: () => boolean;
  #readsToSnapshot = 0;
  #readsShown = 0;
  #underWay = false;
  #snapshot: SystemdSnapshot | undefined;
  #rows = new Map<string, Int32Array>();
  #nextRows = new Map<string, Int32Array>();
  #slots: number[] = [];
  #values: number[] = [];

  constructor(systemctl: Systemctl, excluded: RegExp, isBooted: () => boolean) {
    this.#systemctl = systemctl;
    this.#isBooted = isBooted;
    this.#observer = new SystemdObserver(systemctl, excluded, UNITS_MAX);
  }

  read(sink: SeriesSink): void {
    if (this.#readsToSnapshot === 0) {
      this.#takeSnapshot();
      this.#readsToSnapshot = SELDOM_READS;
    }
    this.#readsToSnapshot--;
    this.#readsShown++;
    if (this.#snapshot !== undefined) this.#apply(sink, this.#snapshot);
    if (this.#readsShown > SHOWN_READS_MAX) return;
    for (let i = 0; i < this.#slots.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
  }

  close(): void {
    this.#systemctl.close();
  }

  #takeSnapshot(): void {
    if (this.#underWay || !this.#isBooted()) return;
    void this.#observe();
  }

  async #observe(): Promise<void> {
    this.#underWay = true;
    try {
      this.#snapshot = (await this.#observer.snapshot()) ?? undefined;
    } finally {
      this.#underWay = false;
    }
  }

  #apply(sink: SeriesSink, snapshot: SystemdSnapshot): void {
    this.#snapshot = undefined;
    this.#readsShown = 0;
    this.#slots = [];
    this.#values = [];
    this.#nextRows = new Map();
    this.#showManager(sink, snapshot);
    for (const { name, activeState, type } of snapshot.units) {
      const labels = STATES.map((state): Label[] => [
        ['name', name],
        ['state', state],
        ['type', type],
      ]);
      const values = STATES.map((state) => (state === activeState ? 1 : 0));
      this.#show(sink, `${name} ${type}`, UNIT_STATE, labels, values);
    }
    for (const [name, seconds] of snapshot.timers) this.#showOne(sink, LAST_TRIGGER, name, seconds);
    for (const [name, { accepted, current, refused }] of snapshot.sockets) {
      this.#showOne(sink, ACCEPTED, name, accepted);
      this.#showOne(sink, CURRENT, name, current);
      this.#showOne(sink, REFUSED, name, refused);
    }
    this.#rows = this.#nextRows;
  }

  #showManager(sink: SeriesSink, { version, running, states }: SystemdSnapshot): void {
    const others = [...states.keys()].filter(
      (state) => !(STATES as readonly string[]).includes(state),
    );
    const shown = [...STATES, ...others].slice(0, STATES_MAX);
    const labels = shown.map((state): Label[] => [['state', state]]);
    const counts = shown.map((state) => states.get(state) ?? 0);
    this.#show(sink, shown.join(' '), UNITS, labels, counts);
    this.#show(sink, '', RUNNING, [[]], [running ? 1 : 0]);
    const number = Number(/\d{3,}(?:\.\d+)?/.exec(version)?.[0] ?? NaN);
    this.#show(sink, version, VERSION, [[['version', version]]], [number]);
  }

  #showOne(sink: SeriesSink, metric: Metric, name: string, value: number): void {
    if (!Number.isNaN(value)) this.#show(sink, name, metric, [[['name', name]]], [value]);
  }

  /** Slots of before are used again; `key` tells the rows of one metric apart. */
  #show(
    sink: SeriesSink,
    key: string,
    metric: Metric,
    labels: readonly (readonly Label[])[],
    values: readonly number[],
  ): void {
    const rowKey = `${metric.name} ${key}`;
    const slots = this.#rows.get(rowKey) ?? declareAll(sink, metric, labels);
    if (slots === null) return;
    this.#nextRows.set(rowKey, slots);
    this.#slots.push(...slots);
    this.#values.push(...values);
  }
}

/** Null if a label is too long. */
function declareAll(
  sink: SeriesSink,
  metric: Metric,
  labels: readonly (readonly Label[])[],
): Int32Array | null {
  const slots: number[] = [];
  for (const each of labels) {
    const row = declareRow(sink, 'systemd', [metric], each);
    if (row === null) return null;
    slots.push(row[0]!);
  }
  return Int32Array.from(slots);
}

function systemdIsThere(): boolean {
  try {
    return statSync(BOOTED, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/**
 * The units that systemd manages on this host. What systemctl(1) says here is of the system it
 * runs in, so with another root than this process' own there is nothing to show.
 */
export function systemdSource(
  paths: HostPaths,
  options: SourceOptions = {},
  host: { start?: StartChild; isBooted?: () => boolean } = {},
): Source {
  if (paths.rootfs.replace(/\/+$/, '') !== '') return sourceFromParts('systemd', []);
  const excluded = options.systemdUnitsExclude ?? UNITS_EXCLUDED;
  const { start, isBooted = systemdIsThere } = host;
  return sourceFromParts('systemd', [new SystemdUnits(new Systemctl(start), excluded, isBooted)]);
}
