import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { folderBytes } from './folder-size.ts';
import type { History } from './history.ts';
import type { PartUsage, Peer, PeerTarget } from './peer.ts';
import { PeerProcess } from './peer-process.ts';
import type { PeersOptions } from './peers-options.ts';
import { printedVersion } from './printed-version.ts';
import { askByPromql } from './prometheus-api.ts';
import { createBlocks } from './prometheus-blocks.ts';
import type { Answer, Question } from './question.ts';
import { ScrapeConfig } from './scrape-config.ts';
import { standsStill } from './standstill.ts';

interface BlockMeta {
  readonly stats: { readonly numSamples?: number };
}

/** Prometheus as it is by default, but for the interval; its write-ahead log is compressed by default. */
export class Prometheus implements Peer {
  readonly name = 'prometheus';
  readonly speaks = 'http';
  versions = {};
  readonly #options: PeersOptions;
  readonly #folder: string;
  readonly #data: string;
  readonly #config: ScrapeConfig;
  #process: PeerProcess | undefined;

  /** @param folder its own; everything that it writes lies in it */
  constructor(options: PeersOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#data = join(folder, 'data');
    mkdirSync(this.#data, { recursive: true });
    this.#config = new ScrapeConfig(folder, options.intervalMs);
  }

  async start(): Promise<void> {
    const { prometheus } = this.#options.programs;
    this.versions = { prometheus: await printedVersion(prometheus, '--version') };
    const port = await freePort();
    this.#process = await PeerProcess.start({
      name: this.name,
      command: prometheus,
      args: [
        `--config.file=${this.#config.file}`,
        `--storage.tsdb.path=${this.#data}`,
        `--web.listen-address=127.0.0.1:${port}`,
        // To be told of targets without being started again.
        '--web.enable-lifecycle',
      ],
      port,
      readyPath: '/-/ready',
      logFile: join(this.#folder, 'log'),
    });
  }

  async watch(targets: readonly PeerTarget[]): Promise<void> {
    this.#config.watch(targets);
    await this.#running.reload();
  }

  usage(): PartUsage[] {
    return this.#running.usage();
  }

  async samplesStored(): Promise<number> {
    const metrics = await this.#running.metrics();
    return metrics.sum('prometheus_tsdb_head_samples_appended_total');
  }

  /** It writes a block every two hours: that is not waited for, and not part of its cost. */
  async drain(): Promise<number> {
    return 0;
  }

  ask(question: Question): Promise<Answer> {
    return askByPromql(this.#running.api, question);
  }

  async load(history: History): Promise<void> {
    const { programs, say } = this.#options;
    await createBlocks(history, { promtool: programs.promtool, folder: this.#data, say });
    await this.start();
  }

  /** Looks for something to compact every minute. */
  async settle(): Promise<void> {
    await standsStill(this.name, this.#options.stillMs, async () => {
      const metrics = await this.#running.metrics();
      const compactions = metrics.sum('prometheus_tsdb_compactions_total');
      return `${compactions} ${this.#blocks().join(' ')}`;
    });
  }

  /** Its blocks: of the history nothing is in its head. */
  async diskBytes(): Promise<number> {
    const blocks = this.#blocks().map((block) => folderBytes(join(this.#data, block)));
    return blocks.reduce((sum, bytes) => sum + bytes, 0);
  }

  rollupBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  async diskSamples(): Promise<number> {
    const counts = this.#blocks().map((block) => {
      const text = readFileSync(join(this.#data, block, 'meta.json'), 'utf8');
      return (JSON.parse(text) as BlockMeta).stats.numSamples ?? 0;
    });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  get #running(): PeerProcess {
    return this.#process!;
  }

  /** Blocks are named by 26 letters and digits (ULID). */
  #blocks(): string[] {
    return readdirSync(this.#data).filter((entry) => /^[0-9A-Z]{26}$/.test(entry));
  }
}
