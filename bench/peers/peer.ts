import type { Address } from '../../pipeline/dial/address.ts';
import type { History } from './history.ts';
import type { Answer, Question } from './question.ts';

/** In the order in which they are measured. */
export const PEERS = ['prometheus', 'victoria-metrics', 'rollcall'] as const;
export type PeerName = (typeof PEERS)[number];

/** A server that is to be watched, as all systems are told of it. */
export interface PeerTarget {
  readonly instance: string;
  readonly address: Address;
  readonly labels: Readonly<Record<string, string>>;
}

/** What one process of a system has used; processes that it has started are part of it. */
export interface PartUsage {
  readonly part: string;
  /** Since it began. */
  readonly cpuNs: number;
  readonly rssBytes: number;
}

/** A monitoring system that can be run beside others: it watches targets, keeps what they say and answers questions. */
export interface Peer extends Backfill {
  readonly name: PeerName;
  /** What targets have to speak for it. */
  readonly speaks: 'http' | 'rollcall';
  /** Of its programs, by name; known once it has been started. */
  readonly versions: Readonly<Record<string, string>>;
  /** Starts it without targets; resolves when it answers. */
  start(): Promise<void>;
  /** Has it watch these targets from now on. */
  watch(targets: readonly PeerTarget[]): Promise<void>;
  usage(): PartUsage[];
  /** Samples it says it has stored since it was started. */
  samplesStored(): Promise<number>;
  /**
   * Resolves when nothing is left to be done for what targets have said, which are silent by now.
   *
   * @param frames what they have said, in ticks of single targets
   * @param idle ns of CPU a millisecond of each part that has nothing to do
   * @returns CPU that this took beyond idling, ns; 0 if it was not looked at
   */
  drain(frames: number, idle: ReadonlyMap<string, number>): Promise<number>;
  ask(question: Question): Promise<Answer>;
  stop(): Promise<void>;
}

/** A way to have a system store what was said long ago. */
export interface Backfill {
  readonly name: PeerName;
  /** Resolves when everything has been handed over; the system is running then. */
  load(history: History): Promise<void>;
  /** Resolves when everything is stored and merged. */
  settle(): Promise<void>;
  /** Bytes on disk, of indexes and names too. */
  diskBytes(): Promise<number>;
  /** Bytes beside that for what it has made of the samples: minutes and hours. */
  rollupBytes(): Promise<number>;
  /** Samples on that disk, as it says itself. */
  diskSamples(): Promise<number>;
}
