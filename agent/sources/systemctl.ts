import { setImmediate } from 'node:timers/promises';
import { startChild, type Child, type StartChild } from './child-output.ts';

const TIME_MS_MAX = 10_000;
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
/** Names beyond these are asked for next time; a command line has room for more. */
const NAMES_LENGTH_MAX = 64 * 1024;
const UNIT_PROPERTIES = 'Id,Type,LastTriggerUSec,NAccepted,NConnections,NRefused';
const TIMESTAMP = /^\w{3} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) UTC$/;
const MS_PER_SECOND = 1000;

/** A unit as the manager lists it. */
export interface SystemdUnit {
  readonly name: string;
  /** Such as `loaded` or `not-found`. */
  readonly loadState: string;
  /** Such as `active` or `failed`. */
  readonly activeState: string;
}

/** Properties by name, as systemctl prints them. */
export type SystemdProperties = ReadonlyMap<string, string>;

/**
 * Asks systemd by running systemctl(1), one at a time. Everything is null if there is no
 * systemctl, it fails or takes too long.
 */
export class Systemctl {
  readonly #startChild: StartChild;
  #running: Child | undefined;
  #closed = false;

  constructor(start: StartChild = startChild) {
    this.#startChild = start;
  }

  async units(): Promise<SystemdUnit[] | null> {
    const text = await this.#run(['list-units', '--all', '--plain', '--no-legend', '--full']);
    return text === null ? null : text.split('\n').flatMap(parseUnit);
  }

  /** Properties of the manager itself. */
  async manager(): Promise<SystemdProperties | null> {
    const text = await this.#run(['show', '--property=Version,SystemState']);
    return text === null ? null : (parseProperties(text)[0] ?? null);
  }

  /** Properties of units by name; those that there is no room for are left out. */
  async properties(names: readonly string[]): Promise<Map<string, SystemdProperties> | null> {
    const asked = fitting(names);
    if (asked.length === 0) return new Map();
    const text = await this.#run(['show', `--property=${UNIT_PROPERTIES}`, '--', ...asked]);
    if (text === null) return null;
    return new Map(parseProperties(text).map((each) => [each.get('Id') ?? '', each]));
  }

  close(): void {
    this.#closed = true;
    this.#running?.kill();
  }

  async #run(args: readonly string[]): Promise<string | null> {
    // Starting a process takes a moment, which no reading is to wait for.
    await setImmediate();
    if (this.#closed) return null;
    const limits = { timeMs: TIME_MS_MAX, bytesMax: OUTPUT_BYTES_MAX };
    const all = ['--no-pager', '--no-ask-password', ...args];
    this.#running = this.#startChild('systemctl', all, limits);
    const end = await this.#running.ended;
    this.#running = undefined;
    return end.outcome === 'ended' ? end.text : null;
  }
}

function fitting(names: readonly string[]): string[] {
  let room = NAMES_LENGTH_MAX;
  return names.filter((name) => {
    room -= name.length + 1;
    return room >= 0;
  });
}

/** `UNIT LOAD ACTIVE SUB DESCRIPTION`; old versions put a mark before units that failed. */
function parseUnit(line: string): SystemdUnit[] {
  const words = line.trim().split(/\s+/);
  if (words[0]?.includes('.') === false) words.shift();
  const [name, loadState, activeState, subState] = words;
  if (subState === undefined) return [];
  return [{ name: name!, loadState: loadState!, activeState: activeState! }];
}

/** `Name=value` lines of each unit, with an empty line between two units. */
function parseProperties(text: string): SystemdProperties[] {
  const blocks = text.trim().split(/\n\n+/);
  return blocks.map((block) => {
    const lines = block.split('\n').filter((line) => line.includes('='));
    return new Map(
      lines.map((line): [string, string] => {
        const at = line.indexOf('=');
        return [line.slice(0, at), line.slice(at + 1)];
      }),
    );
  });
}

/** A time as systemctl prints it in UTC, in seconds of Unix time; 0 if it never came. */
export function parseSystemdTime(text: string): number {
  const [whole, date = '', time = ''] = TIMESTAMP.exec(text) ?? [];
  return whole === undefined ? 0 : Date.parse(`${date}T${time}Z`) / MS_PER_SECOND;
}
