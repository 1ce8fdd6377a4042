import type { Metric, SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import type { LoadableFile } from './kernel-file.ts';
import { RowCache } from './row-cache.ts';
import { isMetricName } from './series-row.ts';

const COLON = 0x3a;

/** What a key's number means. */
export interface KeyedSeries {
  readonly metric: Metric;
  /** The factor to the metric's unit; 1 if left out. */
  readonly multiplier?: number;
}

interface KeyRow {
  readonly slot: number;
  readonly multiplier: number;
}

/**
 * A file of lines `key number …` or `key: number …`, such as `/proc/meminfo` and `/proc/vmstat`
 * (proc_meminfo(5), proc_vmstat(5)). What `describe` does not want is left out.
 */
export class KeyValueFile {
  readonly #file: LoadableFile;
  readonly #source: string;
  readonly #rows: RowCache<KeyRow>;

  /** `describe` is asked once for each key, with what follows the number on its line. */
  constructor(
    file: LoadableFile,
    source: string,
    describe: (key: string, suffix: string) => KeyedSeries | null,
  ) {
    this.#file = file;
    this.#source = source;
    this.#rows = new RowCache(source, (scan, sink) => {
      const series = describe(scan.wordText(), suffixOf(scan));
      if (series === null) return null;
      if (isMetricName(series.metric.name)) {
        return { slot: sink.declare(series.metric), multiplier: series.multiplier ?? 1 };
      }
      sink.malformed(source, `no metric name: ${scan.lineExcerpt()}`);
      return null;
    });
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#rows.restart();
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.wordUntil(COLON)) {
        if (!scan.atLineEnd) sink.malformed(this.#source, `no key: ${scan.lineExcerpt()}`);
        continue;
      }
      const row = this.#rows.at(scan, sink);
      if (row === null) continue;
      scan.skipByte(COLON);
      const value = scan.number();
      if (Number.isNaN(value)) {
        sink.malformed(this.#source, `no number: ${scan.lineExcerpt()}`);
        continue;
      }
      sink.set(row.slot, value * row.multiplier);
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** What follows the number on the cursor's line, without moving the cursor or losing its word. */
function suffixOf(scan: ByteScanner): string {
  const { pos, wordStart, wordEnd } = scan;
  const rest = scan.lineAsWord() ? scan.wordText() : '';
  scan.pos = pos;
  scan.wordStart = wordStart;
  scan.wordEnd = wordEnd;
  return /^:?\s*\S*\s*(.*)$/s.exec(rest)?.[1] ?? '';
}
