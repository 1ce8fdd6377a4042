import type { FaultRun } from './fault-run.ts';
import type { Role } from '../system/system.ts';

/** What a case changes about the system it runs on. Everything has a default. */
export interface CaseSettings {
  /** Processes that it needs at least. */
  readonly processes?: Readonly<Partial<Record<Role, number>>>;
  /** Settings of the components, as variables. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Servers that the components reach through a proxy. */
  readonly proxied?: readonly ('nats' | 'clickhouse')[];
  /** So many agents, the first ones, are reached through a proxy each. */
  readonly proxiedAgents?: number;
  /** Agents, beside these, that the case provokes by itself. */
  readonly reservedAgents?: number;
  /** Bytes of a disk of its own for a server's data. */
  readonly disks?: Readonly<Partial<Record<'nats' | 'clickhouse', number>>>;
  /** What an agent may keep. Default 1 MiB. */
  readonly ringBytesMax?: number;
  /** Agents and collectors speak mutual TLS. */
  readonly isTls?: boolean;
  /** No agent ever fails to answer, so no collector may say so even once. */
  readonly isNobodyDown?: boolean;
  /** Receivers beside the one that counts. */
  readonly furtherReceivers?: number;
}

/** How long a case takes and how much it kills. */
export interface CaseScale {
  readonly intervalMs: number;
  readonly isQuick: boolean;
  readonly agents: number;
}

/** One row of the fault matrix. */
export interface FaultCase {
  /** Such as `F1`. */
  readonly id: string;
  /** What goes wrong, in a few words. */
  readonly title: string;
  /** What must hold beside the ledger's agreement, in a sentence. */
  readonly mustHold: string;
  settings?(scale: CaseScale): CaseSettings;
  /** Disturbs a system that works. When it returns, everything that was broken has been repaired. */
  disturb(run: FaultRun): Promise<void>;
}
