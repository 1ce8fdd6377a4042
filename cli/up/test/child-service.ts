import type { Service, ServiceEvent } from '../service.ts';

/** A service that is a script of Node's; it is ready when it has printed `ready`. */
export interface ChildService extends Service {
  readonly lines: string[];
  /** To be called with every event of the supervisor: a new process is not ready yet. */
  see(event: ServiceEvent): void;
}

export interface ChildServiceOptions {
  readonly stopBy?: 'SIGTERM' | 'closing stdin';
  readonly stopTimeoutMs?: number;
  readonly readyTimeoutMs?: number;
  readonly logFile?: string;
  prepare?(): Promise<void>;
}

/** Keeps a script alive until its standard input closes. */
export const UNTIL_STDIN_CLOSES = 'process.stdin.resume().on("close", () => process.exit(0));';
export const READY = `console.log("ready"); ${UNTIL_STDIN_CLOSES}`;

export function childService(
  name: string,
  script: string,
  options: ChildServiceOptions = {},
): ChildService {
  const { stopBy = 'SIGTERM', stopTimeoutMs = 600_000, ...rest } = options;
  const lines: string[] = [];
  let isReady = false;
  return {
    ...rest,
    lines,
    spec: {
      name,
      command: process.execPath,
      args: ['-e', script],
      stopBy,
      stopTimeoutMs,
      isReady: () => Promise.resolve(isReady),
    },
    onLine(line) {
      lines.push(line);
      if (line === 'ready') isReady = true;
    },
    see({ service, kind }) {
      if (service === name && kind === 'started') isReady = false;
    },
  };
}

/** Resolves when it holds; a test that waits in vain is ended by its time limit. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}
