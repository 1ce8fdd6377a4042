import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { freePort } from '../../pipeline/embedded/free-port.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { folderBytes } from './folder-size.ts';
import type { History, HistoryHost, Stretch } from './history.ts';
import type { PartUsage, Peer, PeerTarget } from './peer.ts';
import { PeerProcess } from './peer-process.ts';
import type { PeersOptions } from './peers-options.ts';
import { printedVersion } from './printed-version.ts';
import { askByPromql } from './prometheus-api.ts';
import type { Answer, Question } from './question.ts';
import { ScrapeConfig } from './scrape-config.ts';
import { standsStill } from './standstill.ts';

/** Of a host's history that is sent at once. */
const STRETCH_MS = 3_600_000;
const PERCENT_EVERY_HOSTS = 20;
/** It begins a merge that it was told to make at once. */
const STILL_MS_MAX = 10_000;

/** VictoriaMetrics as it is by default; its documentation says that no setting has to be tuned. */
export class VictoriaMetrics implements Peer {
  readonly name = 'victoria-metrics';
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
    mkdirSync(folder, { recursive: true });
    this.#config = new ScrapeConfig(folder, options.intervalMs);
  }

  async start(): Promise<void> {
    const { victoriaMetrics } = this.#options.programs;
    this.versions = { [this.name]: await printedVersion(victoriaMetrics, '-version') };
    const port = await freePort();
    this.#process = await PeerProcess.start({
      name: this.name,
      command: victoriaMetrics,
      args: [
        `-storageDataPath=${this.#data}`,
        `-httpListenAddr=127.0.0.1:${port}`,
        `-promscrape.config=${this.#config.file}`,
      ],
      port,
      readyPath: '/health',
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
    return (await this.#running.metrics()).sum('vm_rows_added_to_storage_total');
  }

  /** It merges in the background all the time: what is left in the end is little, and not looked at. */
  async drain(): Promise<number> {
    return 0;
  }

  /** By default it does not look at the last 30 seconds: `nocache` has it look, as the others do. */
  ask(question: Question): Promise<Answer> {
    return askByPromql(this.#running.api, question, { nocache: '1' });
  }

  async load(history: History): Promise<void> {
    await this.start();
    const { startMs, endMs } = history;
    for (const [at, host] of history.hosts().entries()) {
      if (at % PERCENT_EVERY_HOSTS === 0) {
        const share = at / history.options.hosts;
        this.#options.say(`victoria-metrics: history, ${Math.round(share * 100)}%`);
      }
      for (let toMs = startMs + STRETCH_MS; toMs < endMs + STRETCH_MS; toMs += STRETCH_MS) {
        await this.#post('/api/v1/import', jsonLines(history, host, host.until(toMs)));
      }
    }
  }

  async settle(): Promise<void> {
    await this.#post('/internal/force_flush');
    // Without a prefix every month is merged.
    await this.#post('/internal/force_merge');
    await standsStill(this.name, Math.min(this.#options.stillMs, STILL_MS_MAX), async () => {
      const metrics = await this.#running.metrics();
      const forced = metrics.sum('vm_active_force_merges');
      const merging = metrics.sum('vm_active_merges') + forced;
      return merging > 0 ? undefined : `${metrics.sum('vm_parts')} ${metrics.sum('vm_rows')}`;
    });
  }

  async diskBytes(): Promise<number> {
    return folderBytes(this.#data);
  }

  rollupBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  async diskSamples(): Promise<number> {
    return (await this.#running.metrics()).sum('vm_rows', 'storage/');
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  get #running(): PeerProcess {
    return this.#process!;
  }

  async #post(path: string, body = ''): Promise<void> {
    const response = await request(`${this.#running.api}${path}`, { method: 'POST', body });
    const text = await response.body.text();
    if (response.statusCode < 300) return;
    throw new RollcallError('backfill_failed', `VictoriaMetrics: ${path}: ${text.trim()}`);
  }
}

/** A line a series, as `/api/v1/export` writes them. */
function jsonLines(
  { series }: History,
  host: HistoryHost,
  { timestampsMs, rows }: Stretch,
): string {
  if (timestampsMs.length === 0) return '';
  const timestamps = JSON.stringify(timestampsMs);
  const lines = series.map(({ name, labels }, i) => {
    const own = Object.fromEntries(labels);
    const metric = { __name__: name, ...own, instance: host.instance, ...host.labels };
    const values = timestampsMs.map((_, tick) => rows[tick * series.length + i]!);
    return `{"metric":${JSON.stringify(metric)},"values":${JSON.stringify(values)},"timestamps":${timestamps}}\n`;
  });
  return lines.join('');
}
