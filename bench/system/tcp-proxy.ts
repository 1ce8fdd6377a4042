import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../../pipeline/dial/address.ts';

/** What a road does to what travels on it. */
export interface Road {
  /** Added to every piece, ms. */
  readonly latencyMs?: number;
  /** Bytes a second; unlimited if left out. */
  readonly bandwidthBytes?: number;
  /** The most bytes that are passed on in one piece. */
  readonly sliceBytes?: number;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly sinceMs: number;
  isSwallowing: boolean;
}

/**
 * A TCP proxy that can do to a connection what networks do: delay, throttle, slice, cut, go silent without
 * a word, or lose an answer whose request has arrived. Bytes are never changed and never reordered.
 */
export class TcpProxy {
  /** Connections accepted so far. */
  accepted = 0;
  /** Answers swallowed so far. */
  swallowed = 0;
  readonly #target: Address;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #road: Road = {};
  #isSilent = false;
  #isRefusing = false;
  #swallow: { readonly request: RegExp; left: number } | undefined;

  private constructor(target: Address) {
    this.#target = target;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async start(target: Address): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get address(): Address {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Connections that the client has not ended. */
  get open(): number {
    return [...this.#pairs].filter(({ client }) => !client.closed).length;
  }

  /** Of these, how many were accepted before `timeMs` of the monotonic clock. */
  openSince(timeMs: number): number {
    return [...this.#pairs].filter(({ client, sinceMs }) => !client.closed && sinceMs < timeMs)
      .length;
  }

  /** For what is passed on from now. */
  setRoad(road: Road): void {
    this.#road = road;
  }

  /**
   * Half-open: nothing is passed on in either direction and nothing is closed, for connections that
   * exist and for those that come. What is sent meanwhile is lost, so those connections are cut when the silence ends.
   */
  setSilent(isSilent: boolean): void {
    if (this.#isSilent && !isSilent) this.cut();
    this.#isSilent = isSilent;
  }

  /** Connections that come are closed at once, or no longer. */
  setRefusing(isRefusing: boolean): void {
    this.#isRefusing = isRefusing;
  }

  /** Ends every connection, both sides, with a reset. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /**
   * For the next `times` requests that match `request`: they are passed on, what is answered is not, and the
   * client sees its connection end once there was an answer.
   */
  swallowAnswers(request: RegExp, times: number): void {
    this.#swallow = { request, left: times };
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    if (this.#isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ ...this.#target, noDelay: true });
    client.setNoDelay(true);
    const pair: Pair = { client, server, sinceMs: performance.now(), isSwallowing: false };
    this.#pairs.add(pair);
    const forget = (): void => {
      if (client.closed && server.closed) this.#pairs.delete(pair);
    };
    client.once('close', forget);
    server.once('close', forget);
    void this.#pass(pair, client, server);
    void this.#pass(pair, server, client);
  }

  /** One direction: reads, waits as the road demands, and writes, in order. */
  async #pass(pair: Pair, from: Socket, to: Socket): Promise<void> {
    from.on('error', () => undefined);
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (this.#isSilent) continue;
        if (from === pair.client) this.#look(pair, chunk);
        else if (pair.isSwallowing) {
          this.swallowed += 1;
          pair.client.resetAndDestroy();
          pair.server.resetAndDestroy();
          return;
        }
        await this.#send(to, chunk);
      }
    } catch {
      // One side is gone: so will be the other.
    }
    if (this.#isSilent) return;
    if (from.errored === null) to.end();
    else to.resetAndDestroy();
  }

  #look(pair: Pair, chunk: Buffer): void {
    const swallow = this.#swallow;
    if (swallow === undefined || swallow.left === 0) return;
    if (!swallow.request.test(chunk.toString('latin1'))) return;
    swallow.left -= 1;
    pair.isSwallowing = true;
  }

  async #send(to: Socket, chunk: Buffer): Promise<void> {
    const { latencyMs = 0, bandwidthBytes = Infinity, sliceBytes = Infinity } = this.#road;
    if (latencyMs > 0) await sleep(latencyMs);
    for (let at = 0; at < chunk.length; at += sliceBytes) {
      const slice = chunk.subarray(at, Math.min(chunk.length, at + sliceBytes));
      if (bandwidthBytes !== Infinity) await sleep((1000 * slice.length) / bandwidthBytes);
      if (!to.write(slice)) await once(to, 'drain');
    }
  }
}
