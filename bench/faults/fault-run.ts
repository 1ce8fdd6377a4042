import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from '../fleet/fleet.ts';
import { instanceOf } from '../fleet/fleet.ts';
import type { SeededRandom } from '../fleet/random.ts';
import { RollcallError } from '../../pipeline/error.ts';
import type { BreachDirector } from './breach-director.ts';
import type { CaseScale } from './fault-case.ts';
import type { PageCatcher } from '../audit/page-catcher.ts';
import type { SmallDisk } from './small-disk.ts';
import { countStored } from '../audit/stored-frames.ts';
import type { Member, Role, System } from '../system/system.ts';
import type { TcpProxy } from '../system/tcp-proxy.ts';

/** One thing that had to hold, and whether it did. */
export interface Finding {
  readonly what: string;
  readonly holds: boolean;
  /** The figures that it was decided by. */
  readonly detail: string;
  /** Whether it depends on how fast this machine is. */
  readonly isDeadline: boolean;
}

export interface FaultRunParts {
  readonly scale: CaseScale;
  readonly random: SeededRandom;
  readonly fleet: Fleet;
  readonly system: System;
  readonly director: BreachDirector;
  /** Proxies of the first agents, in the order of their numbers. */
  readonly agentProxies: readonly TcpProxy[];
  readonly disks: Readonly<Partial<Record<'nats' | 'clickhouse', SmallDisk>>>;
  /** The receiver that counts comes first. */
  readonly catchers: readonly PageCatcher[];
  /** Where fetched programs and libraries are kept. */
  readonly cacheDir: string;
  readonly say: (progress: string) => void;
}

const POLL_MS = 100;

/** What a case works with: a running system, its fleet, and somewhere to say what held. */
export class FaultRun implements FaultRunParts {
  readonly scale: CaseScale;
  readonly random: SeededRandom;
  readonly fleet: Fleet;
  readonly system: System;
  readonly director: BreachDirector;
  readonly agentProxies: readonly TcpProxy[];
  readonly disks: Readonly<Partial<Record<'nats' | 'clickhouse', SmallDisk>>>;
  readonly catchers: readonly PageCatcher[];
  readonly cacheDir: string;
  readonly say: (progress: string) => void;
  readonly findings: Finding[] = [];
  readonly notes: string[] = [];
  readonly excused = new Set<string>();
  /** The case states a maximum of frames that may be dropped; 0 unless it does. */
  droppedMax = 0;
  /** The case states how late an alert with a `for` may fire; not looked at unless it does. */
  startsLateMsMax = Infinity;

  constructor(parts: FaultRunParts) {
    this.scale = parts.scale;
    this.random = parts.random;
    this.fleet = parts.fleet;
    this.system = parts.system;
    this.director = parts.director;
    this.agentProxies = parts.agentProxies;
    this.disks = parts.disks;
    this.catchers = parts.catchers;
    this.cacheDir = parts.cacheDir;
    this.say = parts.say;
  }

  get intervalMs(): number {
    return this.scale.intervalMs;
  }

  check(what: string, holds: boolean, detail = ''): void {
    this.#find({ what, holds, detail, isDeadline: false });
  }

  /** The same for what a slower machine might not do in time. */
  checkInTime(what: string, holds: boolean, detail = ''): void {
    this.#find({ what, holds, detail, isDeadline: true });
  }

  /** For the report; it decides nothing. */
  note(remark: string): void {
    this.notes.push(remark);
    this.say(remark);
  }

  /** Pages of this alert about this agent are neither wanted nor wrong. */
  excuse(alertname: string, agent: number): void {
    this.excused.add(`${alertname} ${instanceOf(agent)}`);
  }

  /** One of the two, by whether the run is a quick one. */
  either<T>(full: T, quick: T): T {
    return this.scale.isQuick ? quick : full;
  }

  /** A moment after the last one that nobody could have foreseen, around `ms` from now. */
  async aRandomMoment(ms: number): Promise<void> {
    await sleep(this.random.between(0.5, 1.5) * ms);
  }

  async intervals(count: number): Promise<void> {
    await sleep(count * this.intervalMs);
  }

  async seconds(full: number, quick: number): Promise<void> {
    await sleep(1000 * this.either(full, quick));
  }

  /** Does what breaks something and repairs it; breaches that begin meanwhile last until after it. */
  async disturbed(action: () => Promise<void>): Promise<void> {
    this.director.disturbed();
    try {
      await action();
    } finally {
      this.director.repaired();
    }
  }

  member(role: Role, number = 0): Member {
    const member = this.system.of(role)[number];
    if (member === undefined) throw new RollcallError('usage', `there is no ${role} ${number + 1}`);
    return member;
  }

  /** @returns whether it came to that within the time */
  async eventually(msMax: number, probe: () => boolean | Promise<boolean>): Promise<boolean> {
    const deadlineMs = performance.now() + msMax;
    for (;;) {
      if (await probe()) return true;
      if (performance.now() > deadlineMs) return false;
      await sleep(POLL_MS);
    }
  }

  /** Frames of the fleet that have been stored so far. */
  stored(): Promise<number> {
    return countStored(this.system.store);
  }

  #find(finding: Finding): void {
    this.findings.push(finding);
    const { what, holds, detail } = finding;
    if (!holds) this.say(`does not hold: ${what}${detail === '' ? '' : ` (${detail})`}`);
  }
}
