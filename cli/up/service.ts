import type { ServerSpec } from '../../pipeline/embedded/server-spec.ts';

/** What a supervisor keeps running: a process and what to do with its output. */
export interface Service {
  readonly spec: ServerSpec;
  /** Its output is appended here, line by line. See `logFileOf`. */
  readonly logFile?: string;
  /** Overrides the supervisor's limit for this service. */
  readonly readyTimeoutMs?: number;
  /** Runs once, before the first start, when every service before it in the list is ready. */
  prepare?(): Promise<void>;
  /** Each line of its output, as the process wrote it: not safe for a terminal. */
  onLine?(line: string): void;
}

export type ServiceState =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'restarting'
  | 'stopping'
  | 'stopped'
  | 'failed';

/** A service as a table shows it. */
export interface ServiceStatus {
  readonly name: string;
  /** Of the process that runs now. */
  readonly pid: number | undefined;
  readonly state: ServiceState;
  /** How often it was started again after it had died. */
  readonly restarts: number;
  /** Unix time in milliseconds at which it came into its state. */
  readonly sinceMs: number;
}

export interface ServiceEvent {
  readonly service: string;
  readonly kind: 'started' | 'ready' | 'died' | 'restarting' | 'stopped';
  /** The process that the event is about; with `restarting` none. */
  readonly pid: number | undefined;
  /** For people: why it died, when it is started again. May be empty. */
  readonly detail: string;
}
