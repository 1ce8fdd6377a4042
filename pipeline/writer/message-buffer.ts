/** A message of a stream, copied out of what it was received in. */
export interface BufferedMessage {
  readonly seq: number;
  readonly batch: Buffer;
}

/**
 * Messages between a stream and the database. What has been taken counts until it is given back, so
 * that the cap is one on memory.
 */
export class MessageBuffer<Message extends BufferedMessage> {
  #messages: Message[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #count = 0;
  #isEnded = false;
  readonly #waiters = new Set<() => void>();

  /** Messages that wait to be taken. */
  get waiting(): number {
    return this.#messages.length;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Messages that wait, and those that have been taken and not given back. */
  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The sequence of the newest message that waits; 0 if none does. */
  get lastSeq(): number {
    return this.#messages.at(-1)?.seq ?? 0;
  }

  /** Nothing more will come. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  add(message: Message): void {
    this.#messages.push(message);
    this.#waitingBytes += message.batch.length;
    this.#bytes += message.batch.length;
    this.#count += 1;
    this.#tell();
  }

  /** Takes the messages up to a sequence, in order. */
  takeTo(toSeq: number): Message[] {
    const after = this.#messages.findIndex(({ seq }) => seq > toSeq);
    return this.#take(after < 0 ? this.#messages.length : after);
  }

  /** Takes as many of the oldest messages as fit into so many bytes, but at least one if any waits. */
  take(bytesMax = Infinity): Message[] {
    let bytes = 0;
    const after = this.#messages.findIndex(({ batch }, at) => {
      bytes += batch.length;
      return bytes > bytesMax && at > 0;
    });
    return this.#take(after < 0 ? this.#messages.length : after);
  }

  /** Taken messages are needed no longer. */
  giveBack(messages: readonly Message[]): void {
    this.#bytes -= bytesOf(messages);
    this.#count -= messages.length;
    this.#tell();
  }

  end(): void {
    this.#isEnded = true;
    this.#tell();
  }

  /** Until something changes, at most for the given time. Rejects with the signal's reason. */
  async change(timeoutMs: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, timeoutMs);
    this.#waiters.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    clearTimeout(timer);
    this.#waiters.delete(wake);
    signal.removeEventListener('abort', wake);
    signal.throwIfAborted();
  }

  /**
   * For a while, or until enough wait or nothing more will come. Rejects with the signal's reason.
   *
   * @param isEnough asked after every change
   */
  async gather(timeMs: number, isEnough: () => boolean, signal: AbortSignal): Promise<void> {
    const endMs = performance.now() + timeMs;
    while (!isEnough() && !this.#isEnded) {
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) break;
      await this.change(leftMs, signal);
    }
    signal.throwIfAborted();
  }

  #take(count: number): Message[] {
    const taken = this.#messages.splice(0, count);
    this.#waitingBytes -= bytesOf(taken);
    return taken;
  }

  #tell(): void {
    for (const wake of this.#waiters) wake();
  }
}

function bytesOf(messages: readonly BufferedMessage[]): number {
  return messages.reduce((sum, { batch }) => sum + batch.length, 0);
}
