import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatAddress } from '../../pipeline/dial/address.ts';
import type { PeerTarget } from './peer.ts';
import { JOB } from './targets.ts';

/**
 * The configuration of Prometheus, which VictoriaMetrics reads too: everything as it is by default but the interval, and a
 * timeout that is not longer. Targets are in a file of their own (`file_sd_configs`).
 */
export class ScrapeConfig {
  readonly file: string;
  readonly #targetsFile: string;
  readonly #intervalMs: number;

  /** Writes a configuration without targets. */
  constructor(folder: string, intervalMs: number) {
    this.file = join(folder, 'scrape.yml');
    this.#targetsFile = join(folder, 'targets.json');
    this.#intervalMs = intervalMs;
    this.#write('scrape_configs: []\n');
  }

  /** The server has to read its configuration again. */
  watch(targets: readonly PeerTarget[]): void {
    const groups = targets.map(({ instance, address, labels }) => ({
      targets: [formatAddress(address)],
      labels: { instance, ...labels },
    }));
    replace(this.#targetsFile, JSON.stringify(groups));
    this.#write(
      `scrape_configs:\n- job_name: ${JOB}\n` +
        `  file_sd_configs:\n  - files: [${JSON.stringify(this.#targetsFile)}]\n`,
    );
  }

  #write(scrapeConfigs: string): void {
    const interval = `${this.#intervalMs}ms`;
    const global = `global:\n  scrape_interval: ${interval}\n  scrape_timeout: ${interval}\n`;
    replace(this.file, global + scrapeConfigs);
  }
}

/** Never half of it. */
function replace(file: string, content: string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
