import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { request } from 'undici';
import { ChildServer } from '../../pipeline/embedded/child-server.ts';
import type { ServerSpec } from '../../pipeline/embedded/server-spec.ts';
import { processUsage } from '../process/process-usage.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { scrape } from '../system/scraped-metrics.ts';
import type { ScrapedMetrics } from '../system/scraped-metrics.ts';
import type { PartUsage } from './peer.ts';

const READY_MS_MAX = 120_000;
const STOP_MS_MAX = 60_000;

export interface PeerProcessOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** On loopback; its metrics are at `/metrics`. */
  readonly port: number;
  /** A path that answers 200 as soon as it is ready. */
  readonly readyPath: string;
  readonly logFile: string;
}

/** The one process of a peer, with an HTTP interface. */
export class PeerProcess {
  readonly api: string;
  readonly #options: PeerProcessOptions;
  readonly #server: ChildServer;

  private constructor(options: PeerProcessOptions, spec: ServerSpec) {
    this.#options = options;
    this.api = apiOf(options.port);
    this.#server = new ChildServer(spec);
    mkdirSync(dirname(options.logFile), { recursive: true });
    const log = createWriteStream(options.logFile, { flags: 'a' });
    for (const stream of [this.#server.child.stdout, this.#server.child.stderr]) {
      stream?.on('data', (text: string) => log.write(text));
    }
    this.#server.child.once('close', () => log.end());
  }

  /** @throws RollcallError `server_failed` */
  static async start(options: PeerProcessOptions): Promise<PeerProcess> {
    const { name, command, args, port, readyPath } = options;
    const process = new PeerProcess(options, {
      name,
      command,
      args,
      stopBy: 'SIGTERM',
      stopTimeoutMs: STOP_MS_MAX,
      isReady: () => answers(`${apiOf(port)}${readyPath}`),
    });
    await process.#server.ready(READY_MS_MAX);
    return process;
  }

  /** Has it read its configuration again. @throws RollcallError `server_failed` */
  async reload(): Promise<void> {
    const { statusCode, body } = await request(`${this.api}/-/reload`, { method: 'POST' });
    await body.dump();
    if (statusCode >= 300) {
      throw new RollcallError('server_failed', `${this.#options.name}: ${this.#server.output}`);
    }
  }

  /** Its figures. @throws RollcallError `server_failed` when it does not answer */
  async metrics(): Promise<ScrapedMetrics> {
    const metrics = await scrape(this.#options.port);
    if (metrics !== undefined) return metrics;
    const { name } = this.#options;
    throw new RollcallError('server_failed', `${name} does not answer: ${this.#server.output}`);
  }

  usage(): PartUsage[] {
    const { pid } = this.#server;
    if (pid === undefined || this.#server.hasExited) return [];
    const { cpuNs, rssBytes } = processUsage(pid);
    return [{ part: this.#options.name, cpuNs, rssBytes }];
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }
}

function apiOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    const { statusCode, body } = await request(url, { headersTimeout: 2000 });
    await body.dump();
    return statusCode === 200;
  } catch {
    return false;
  }
}
