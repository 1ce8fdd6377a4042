import { createServer } from 'node:http';
import type { Server } from 'node:http';

export interface CaughtAlert {
  readonly key: string;
  readonly status: string;
  readonly alertname: string;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly summary: string;
}

/** A webhook that remembers every alert it was told. */
export class WebhookCatcher {
  readonly alerts: CaughtAlert[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const key = String(incoming.headers['idempotency-key']);
        this.#take(key, JSON.parse(Buffer.concat(chunks).toString()) as Payload);
        response.end();
      });
    });
  }

  static async start(t: { teardown(cleanUp: () => unknown): void }): Promise<WebhookCatcher> {
    const catcher = new WebhookCatcher();
    await new Promise<void>((resolve) => {
      catcher.#server.listen(0, '127.0.0.1', resolve);
    });
    t.teardown(() => {
      catcher.#server.close();
      catcher.#server.closeAllConnections();
    });
    return catcher;
  }

  get url(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    return `http://127.0.0.1:${port}/alerts`;
  }

  /** What came about one alert, `firing` and `resolved` in their order. */
  statusesOf(alertname: string): string[] {
    return this.alerts.filter((alert) => alert.alertname === alertname).map(({ status }) => status);
  }

  #take(key: string, payload: Payload): void {
    for (const { status, labels, annotations, startsAt, endsAt } of payload.alerts) {
      const { alertname = '' } = labels;
      const { summary = '' } = annotations;
      this.alerts.push({ key, status, alertname, startsAt, endsAt, summary });
    }
  }
}

interface Payload {
  readonly alerts: readonly {
    readonly status: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly startsAt: string;
    readonly endsAt: string;
  }[];
}
