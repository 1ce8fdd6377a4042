import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One alert of one notification that a receiver was sent. */
export interface Page {
  /** When it came, by the wall clock. */
  readonly receivedMs: number;
  /** The notification's `idempotency-key`. */
  readonly key: string;
  readonly status: 'firing' | 'resolved';
  readonly alertname: string;
  readonly instance: string;
  readonly startsAtMs: number;
  /** NaN while it fires. */
  readonly endsAtMs: number;
}

/** How a receiver answers: well, with a status, or never. */
export type Manners = 'good' | 500 | 429 | 'hanging';

interface Payload {
  readonly alerts: readonly {
    readonly status: Page['status'];
    readonly labels: Readonly<Record<string, string>>;
    readonly startsAt: string;
    readonly endsAt: string;
  }[];
}

/** A receiver of webhooks that writes down every alert it was told of and accepted. */
export class PageCatcher {
  readonly pages: Page[] = [];
  manners: Manners = 'good';
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(): Promise<PageCatcher> {
    const catcher = new PageCatcher();
    catcher.#server.listen(0, '127.0.0.1');
    await once(catcher.#server, 'listening');
    return catcher;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/pages`;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch {
      return; // The sender died: it has told us nothing.
    }
    if (!request.complete || this.manners === 'hanging') return;
    if (this.manners !== 'good') {
      response.statusCode = this.manners;
      response.end();
      return;
    }
    this.#take(String(request.headers['idempotency-key']), Buffer.concat(chunks).toString());
    response.end();
  }

  #take(key: string, body: string): void {
    const receivedMs = Date.now();
    for (const { status, labels, startsAt, endsAt } of (JSON.parse(body) as Payload).alerts) {
      this.pages.push({
        receivedMs,
        key,
        status,
        alertname: labels['alertname'] ?? '',
        instance: labels['instance'] ?? '',
        startsAtMs: Date.parse(startsAt),
        endsAtMs: status === 'resolved' ? Date.parse(endsAt) : NaN,
      });
    }
  }
}
