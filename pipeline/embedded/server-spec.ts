/** How to run a server that is not ours: everything a supervisor needs. */
export interface ServerSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ends the server in order. */
  readonly stopBy: 'SIGTERM' | 'closing stdin';
  /** After this long it is ended by force; both servers survive that with their data whole. */
  readonly stopTimeoutMs: number;
  /** Whether it answers yet. Never throws. */
  isReady(): Promise<boolean>;
}
