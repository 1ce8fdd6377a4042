/**
 * The one error class for operational failures: something outside the program (a peer, a file, a
 * server, a person's input) did not do what was needed. Programmer errors are assertions instead.
 */
export class RollcallError extends Error {
  override readonly name = 'RollcallError';
  /** Stable, lower_snake_case; callers match on it, never on the message. */
  readonly code: string;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(
    code: string,
    message: string,
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The message of anything thrown, for logs and for wrapping. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether something thrown is a `RollcallError` with one of these codes. */
export function isCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof RollcallError && codes.includes(thrown.code);
}
