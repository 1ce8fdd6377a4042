import { execFile } from 'node:child_process';
import { createWriteStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { reasonOf, RollcallError } from '../../pipeline/error.ts';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import { seriesText, valueText } from '../fleet/http-exposition.ts';
import type { History, HistoryHost, Stretch } from './history.ts';

const run = promisify(execFile);
/** What Prometheus puts into a block of its own, beginning at a multiple of it. */
const BLOCK_MS = 2 * 3_600_000;
/** Of text that is written at once. */
const STRETCH_MS = 600_000;

export interface BlocksOptions {
  readonly promtool: string;
  /** Where the blocks go. */
  readonly folder: string;
  readonly say: (progress: string) => void;
}

/**
 * Makes blocks out of a history as Prometheus' documentation has it: OpenMetrics text through `promtool tsdb
 * create-blocks-from openmetrics`. A text a block: promtool reads the whole text again for each.
 *
 * @throws RollcallError `backfill_failed`
 */
export async function createBlocks(history: History, options: BlocksOptions): Promise<void> {
  const hosts = history.hosts();
  const { startMs, endMs } = history;
  for (let fromMs = startMs; fromMs < endMs;) {
    const toMs = Math.min(endMs, (Math.floor(fromMs / BLOCK_MS) + 1) * BLOCK_MS);
    const share = (toMs - startMs) / (endMs - startMs);
    options.say(`prometheus: history, ${Math.round(share * 100)}%`);
    await createBlock(history, hosts, fromMs, toMs, options);
    fromMs = toMs;
  }
}

async function createBlock(
  history: History,
  hosts: readonly HistoryHost[],
  fromMs: number,
  toMs: number,
  { promtool, folder }: BlocksOptions,
): Promise<void> {
  const file = join(folder, 'history.txt');
  try {
    const text = Readable.from(openMetrics(history, hosts, fromMs, toMs), { objectMode: false });
    await pipeline(text, createWriteStream(file));
    await run(promtool, ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, folder]);
  } catch (cause) {
    throw new RollcallError('backfill_failed', `promtool: ${reasonOf(cause)}`, { cause });
  } finally {
    rmSync(file, { force: true });
  }
}

/** Text of all hosts between two instants, one host after the other. */
function* openMetrics(
  { series }: History,
  hosts: readonly HistoryHost[],
  fromMs: number,
  toMs: number,
): Generator<string> {
  for (const host of hosts) {
    const names = series.map(({ name, labels }) => seriesText(name, labelsOf(labels, host)));
    for (let atMs = fromMs; atMs < toMs; atMs += STRETCH_MS) {
      yield linesOf(names, host.until(Math.min(toMs, atMs + STRETCH_MS)));
    }
  }
  yield '# EOF\n';
}

function linesOf(names: readonly string[], { timestampsMs, rows }: Stretch): string {
  let text = '';
  for (const [tick, timestampMs] of timestampsMs.entries()) {
    const seconds = (timestampMs / 1000).toFixed(3);
    const at = tick * names.length;
    for (let i = 0; i < names.length; i += 1) {
      text += `${names[i]} ${valueText(rows[at + i]!)} ${seconds}\n`;
    }
  }
  return text;
}

function labelsOf(own: readonly Label[], { instance, labels }: HistoryHost): Label[] {
  return [...own, ['instance', instance], ...Object.entries(labels)];
}
