import { parseSystemdTime, type Systemctl, type SystemdUnit } from './systemctl.ts';

/** Types of services hardly ever change: they are all asked for again after so many snapshots. */
const TYPES_SNAPSHOTS = 60;
/** Only these units have one. */
const TYPED = /\.(?:service|mount)$/;
const TIMER = '.timer';
const SOCKET = '.socket';

/** A unit that is shown. */
export interface ShownUnit {
  readonly name: string;
  readonly activeState: string;
  /** Of a service such as `oneshot`, of a mount such as `tmpfs`, of others empty. */
  readonly type: string;
}

export interface SocketCounts {
  readonly accepted: number;
  readonly current: number;
  /** NaN before systemd 239. */
  readonly refused: number;
}

/** What systemd said at one time. */
export interface SystemdSnapshot {
  readonly version: string;
  readonly running: boolean;
  /** How many units, shown or not, are in a state. */
  readonly states: ReadonlyMap<string, number>;
  readonly units: readonly ShownUnit[];
  /** When timers last elapsed, in seconds of Unix time; 0 for never. */
  readonly timers: ReadonlyMap<string, number>;
  readonly sockets: ReadonlyMap<string, SocketCounts>;
}

/**
 * Takes snapshots of what systemd manages. The list of all units is cheap for systemd; their
 * properties are not, and hence are asked for only where they are needed.
 */
export class SystemdObserver {
  readonly #systemctl: Systemctl;
  readonly #excluded: RegExp;
  readonly #unitsMax: number;
  readonly #types = new Map<string, string>();
  #snapshots = 0;

  constructor(systemctl: Systemctl, excluded: RegExp, unitsMax: number) {
    this.#systemctl = systemctl;
    this.#excluded = excluded;
    this.#unitsMax = unitsMax;
  }

  /** Null if systemd cannot be asked. */
  async snapshot(): Promise<SystemdSnapshot | null> {
    const all = await this.#systemctl.units();
    if (all === null || all.length === 0) return null;
    const shown = all.filter((unit) => this.#isShown(unit)).slice(0, this.#unitsMax);
    this.#forgetTypes(shown);
    const properties = await this.#systemctl.properties(this.#namesToAsk(shown));
    const manager = await this.#systemctl.manager();
    if (properties === null || manager === null) return null;
    const timers = new Map<string, number>();
    const sockets = new Map<string, SocketCounts>();
    for (const [name, unit] of properties) {
      const number = (property: string): number => Number(unit.get(property) || NaN);
      if (TYPED.test(name)) this.#types.set(name, unit.get('Type') ?? '');
      if (name.endsWith(TIMER))
        timers.set(name, parseSystemdTime(unit.get('LastTriggerUSec') ?? ''));
      if (!name.endsWith(SOCKET)) continue;
      sockets.set(name, {
        accepted: number('NAccepted'),
        current: number('NConnections'),
        refused: number('NRefused'),
      });
    }
    return {
      version: manager.get('Version') ?? '',
      running: manager.get('SystemState') === 'running',
      states: countStates(all),
      units: shown.flatMap((unit) => this.#withType(unit)),
      timers,
      sockets,
    };
  }

  #isShown({ name, loadState }: SystemdUnit): boolean {
    return loadState === 'loaded' && !this.#excluded.test(name);
  }

  #forgetTypes(shown: readonly SystemdUnit[]): void {
    if (this.#snapshots % TYPES_SNAPSHOTS === 0) this.#types.clear();
    this.#snapshots++;
    const names = new Set(shown.map(({ name }) => name));
    for (const name of this.#types.keys()) {
      if (!names.has(name)) this.#types.delete(name);
    }
  }

  #namesToAsk(shown: readonly SystemdUnit[]): string[] {
    const names = shown.map(({ name }) => name);
    return [
      ...names.filter((name) => name.endsWith(TIMER) || name.endsWith(SOCKET)),
      ...names.filter((name) => TYPED.test(name) && !this.#types.has(name)),
    ];
  }

  /** Nothing if the type of the unit is not known yet. */
  #withType({ name, activeState }: SystemdUnit): ShownUnit[] {
    const type = TYPED.test(name) ? this.#types.get(name) : '';
    return type === undefined ? [] : [{ name, activeState, type }];
  }
}

function countStates(units: readonly SystemdUnit[]): Map<string, number> {
  const states = new Map<string, number>();
  for (const { activeState } of units) states.set(activeState, (states.get(activeState) ?? 0) + 1);
  return states;
}
