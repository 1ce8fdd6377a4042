import type { HostPaths, SeriesSink } from '../source.ts';
import { ByteScanner } from './byte-scanner.ts';
import { KernelFile, type LoadableFile } from './kernel-file.ts';

interface Reading {
  readonly file: KernelFile;
  generation: number;
  present: boolean;
  readers: number;
}

const procStats = new WeakMap<HostPaths, Reading>();

/**
 * One of several sources' view of the same file. `/proc/stat` sums every interrupt of every CPU
 * each time it is read (proc_stat(5)), so `cpu` and `stat` share one reading a tick: whoever asks
 * again for contents that it has already seen causes the next reading.
 */
class SharedFile implements LoadableFile {
  readonly #reading: Reading;
  readonly #forget: () => void;
  #seen: number;

  constructor(reading: Reading, forget: () => void) {
    this.#reading = reading;
    this.#forget = forget;
    this.#seen = reading.generation;
    reading.readers++;
  }

  get scan(): ByteScanner {
    return this.#reading.file.scan;
  }

  load(sink: SeriesSink): boolean {
    const reading = this.#reading;
    if (this.#seen === reading.generation) {
      reading.present = reading.file.load(sink);
      reading.generation++;
    }
    this.#seen = reading.generation;
    this.scan.rewind();
    return reading.present;
  }

  close(): void {
    this.#reading.readers--;
    if (this.#reading.readers > 0) return;
    this.#reading.file.close();
    this.#forget();
  }
}

/** `/proc/stat` for one more source; all sources of the same `paths` object share it. */
export function shareProcStat(paths: HostPaths): LoadableFile {
  let reading = procStats.get(paths);
  if (reading === undefined) {
    const file = new KernelFile(`${paths.procfs}/stat`, 'stat', {
      scan: new ByteScanner(),
      wholeAtOnce: true,
    });
    reading = { file, generation: 0, present: false, readers: 0 };
    procStats.set(paths, reading);
  }
  return new SharedFile(reading, () => procStats.delete(paths));
}
