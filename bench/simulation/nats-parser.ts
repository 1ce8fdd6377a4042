/** What a client publishes, subscribes to or asks. */
export type ClientCommand =
  | { readonly kind: 'connect' | 'ping' | 'pong' }
  | { readonly kind: 'sub'; readonly subject: string; readonly sid: string }
  | { readonly kind: 'unsub'; readonly sid: string; readonly max: number }
  | {
      readonly kind: 'pub';
      readonly subject: string;
      readonly reply: string;
      readonly headers: ReadonlyMap<string, string>;
      readonly data: Buffer;
    };

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** The server's side of the NATS client protocol. Source: NATS documentation, "Client Protocol". */
export class NatsParser {
  readonly #onCommand: (command: ClientCommand) => void;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(onCommand: (command: ClientCommand) => void) {
    this.#onCommand = onCommand;
  }

  push(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    for (;;) {
      const used = this.#next(this.#bytes);
      if (used === 0) return;
      this.#bytes = this.#bytes.subarray(used);
    }
  }

  /** Hands one command over; how many bytes it took, 0 if it is not whole yet. */
  #next(bytes: Buffer): number {
    const end = bytes.indexOf('\r\n');
    if (end < 0) return 0;
    const words = bytes.toString('latin1', 0, end).split(' ');
    const [verb] = words;
    if (verb === 'PUB' || verb === 'HPUB') return this.#publish(bytes, end + 2, words);
    this.#onCommand(simpleCommand(words));
    return end + 2;
  }

  #publish(bytes: Buffer, start: number, words: readonly string[]): number {
    const hasHeaders = words[0] === 'HPUB';
    const total = Number(words.at(-1));
    if (bytes.length < start + total + 2) return 0;
    const headerBytes = hasHeaders ? Number(words.at(-2)) : 0;
    const counts = hasHeaders ? 2 : 1;
    this.#onCommand({
      kind: 'pub',
      subject: words[1]!,
      reply: words.length === 2 + counts ? '' : words[2]!,
      headers: hasHeaders
        ? parseHeaders(bytes.toString('utf8', start, start + headerBytes))
        : NO_HEADERS,
      data: bytes.subarray(start + headerBytes, start + total),
    });
    return start + total + 2;
  }
}

function simpleCommand(words: readonly string[]): ClientCommand {
  const [verb, first = '', second = '', third] = words;
  switch (verb) {
    case 'CONNECT':
      return { kind: 'connect' };
    case 'PING':
      return { kind: 'ping' };
    case 'PONG':
      return { kind: 'pong' };
    case 'SUB':
      return { kind: 'sub', subject: first, sid: third ?? second };
    case 'UNSUB':
      return { kind: 'unsub', sid: first, max: second === '' ? 0 : Number(second) };
    default:
      throw new Error(`the simulated NATS does not know ${verb}`);
  }
}

function parseHeaders(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}

/** `*` matches one token, `>` all that follow. */
export function matchesSubject(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split('.');
  const tokens = subject.split('.');
  for (let i = 0; i < wanted.length; i += 1) {
    if (wanted[i] === '>') return tokens.length > i;
    if (tokens[i] === undefined || (wanted[i] !== '*' && wanted[i] !== tokens[i])) return false;
  }
  return wanted.length === tokens.length;
}
