import assert from 'node:assert/strict';
import { Pool, type Dispatcher } from 'undici';
import { reasonOf } from '../../pipeline/error.ts';
import type { Notification } from './notification.ts';
import { printable } from './printable.ts';
import { checkedReceiverName, type DeliveryOutcome, type Receiver } from './receiver.ts';
import { retryAfterMs } from './retry-after.ts';
import { webhookPayload } from './webhook-payload.ts';
import { webhookAddress, withoutSecrets, type WebhookAddress } from './webhook-url.ts';

export interface WebhookOptions {
  /** `[a-zA-Z0-9_-]+`; `receiverName(url)` makes one. */
  readonly name: string;
  /** http or https. User and password become HTTP Basic credentials. */
  readonly url: string;
  /** Rollcall's version, for the user-agent. */
  readonly version: string;
  /** From connecting to the end of the answer, ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** The payload's `externalURL`. Default ''. */
  readonly externalUrl?: string;
  /** The payload's `generatorURL` for an alertname. Default always ''. */
  readonly generatorUrl?: (alertname: string) => string;
  /** The clock against which a date in Retry-After is held. Default Date.now. */
  readonly nowMs?: () => number;
}

export const WEBHOOK_TIMEOUT_MS = 10_000;
/** The most that is read of an answer. */
export const WEBHOOK_RESPONSE_BYTES_MAX = 64 * 1024;
/** One for the message under way, one for when an aborted one is still being torn down. */
export const WEBHOOK_CONNECTIONS_MAX = 2;
const DETAIL_CHARS_MAX = 300;

/**
 * Posts Alertmanager's webhook payload (see `webhook-payload.ts`).
 *
 * - 2xx: delivered.
 * - 429, 5xx, no connection, no answer in time: retry, after `Retry-After` if the answer has one.
 * - other 4xx: rejected, as Alertmanager does: the same message would be refused again.
 * - 3xx: rejected. A redirect would carry alerts and credentials to where nobody decided to send
 *   them, or turn the POST into a GET.
 *
 * The constructor throws `webhook_url_invalid` and `receiver_name_invalid`.
 */
export class WebhookReceiver implements Receiver {
  readonly name: string;
  // All private: whoever logs or inspects the receiver sees its name alone.
  readonly #address: WebhookAddress;
  readonly #pool: Pool;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #externalUrl: string;
  readonly #generatorUrl: (alertname: string) => string;
  readonly #nowMs: () => number;

  constructor(options: WebhookOptions) {
    this.name = checkedReceiverName(options.name);
    assert.match(options.version, /^[\w.+-]+$/);
    this.#address = webhookAddress(options.url);
    this.#timeoutMs = options.timeoutMs ?? WEBHOOK_TIMEOUT_MS;
    this.#externalUrl = options.externalUrl ?? '';
    this.#generatorUrl = options.generatorUrl ?? (() => '');
    this.#nowMs = options.nowMs ?? Date.now;
    const { authorization, origin } = this.#address;
    this.#headers = {
      'content-type': 'application/json',
      'user-agent': `rollcall/${options.version}`,
      ...(authorization === undefined ? {} : { authorization }),
    };
    this.#pool = new Pool(origin, {
      connections: WEBHOOK_CONNECTIONS_MAX,
      pipelining: 1,
      allowH2: false,
      connect: { timeout: this.#timeoutMs },
      // The time limit of deliver() covers both.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async deliver(notification: Notification, signal: AbortSignal): Promise<DeliveryOutcome> {
    const payload = webhookPayload(notification, {
      receiver: this.name,
      externalUrl: this.#externalUrl,
      generatorUrl: this.#generatorUrl(notification.alertname),
    });
    const body = JSON.stringify(payload);
    // Not AbortSignal.any: `signal` lives as long as the process and is used for every message.
    const limit = new AbortController();
    const onAbort = () => limit.abort();
    const timer = setTimeout(onAbort, this.#timeoutMs);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await this.#post(body, notification.key, limit.signal);
    } catch (thrown) {
      if (signal.aborted) return { kind: 'retry', detail: 'stopped before an answer came' };
      if (limit.signal.aborted) {
        return { kind: 'retry', detail: `no answer within ${this.#timeoutMs} ms` };
      }
      return { kind: 'retry', detail: `request failed: ${this.#shown(networkReason(thrown))}` };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Breaks off what is under way and closes the connections. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #post(body: string, key: string, signal: AbortSignal): Promise<DeliveryOutcome> {
    const response = await this.#pool.request({
      method: 'POST',
      path: this.#address.path,
      headers: { ...this.#headers, 'idempotency-key': key },
      body,
      signal,
    });
    const status = response.statusCode;
    // Read even when it is not shown: a connection is used again once its answer has been read.
    const text = await responseText(response.body);
    if (status >= 200 && status < 300) return { kind: 'delivered', detail: `HTTP ${status}` };
    if (status >= 300 && status < 400) {
      const detail = `HTTP ${status}: redirects are not followed; configure the final address`;
      return { kind: 'rejected', detail };
    }
    const shown = this.#shown(text);
    const detail = shown === '' ? `HTTP ${status}` : `HTTP ${status}: ${shown}`;
    if (status !== 429 && status < 500) return { kind: 'rejected', detail };
    const pauseMs = retryAfterMs(headerOf(response, 'retry-after'), this.#nowMs());
    return pauseMs === undefined
      ? { kind: 'retry', detail }
      : { kind: 'retry', detail, retryAfterMs: pauseMs };
  }

  /** Secrets go first: cut in half, one would no longer be recognised. */
  #shown(text: string): string {
    return printable(withoutSecrets(text, this.#address.secrets), DETAIL_CHARS_MAX).trim();
  }
}

/**
 * The first `WEBHOOK_RESPONSE_BYTES_MAX` of an answer. The status has been given already, so an
 * answer that breaks off or takes too long is what came of it; its connection is closed.
 */
async function responseText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= WEBHOOK_RESPONSE_BYTES_MAX) break;
    }
  } catch {
    // What has been read is still worth showing.
  }
  return new TextDecoder().decode(Buffer.concat(chunks).subarray(0, WEBHOOK_RESPONSE_BYTES_MAX));
}

function headerOf(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/** The message, or the code: the error of a host with several addresses has no message. */
function networkReason(thrown: unknown): string {
  const message = reasonOf(thrown);
  if (message !== '') return message;
  return thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'unknown error';
}
