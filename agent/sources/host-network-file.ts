import type { SeriesSink } from '../source.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile, type LoadableFile } from './kernel-file.ts';

const OWN_PROCFS = '/proc';

/**
 * A file of `/proc/net`. That is a link to `self/net`, so it speaks of the network namespace of
 * the process that reads it (network_namespaces(7)), even where it is the host's `/proc`, mounted
 * in a container. There the host's first process shows the right one, if it may be seen.
 */
export class HostNetworkFile implements LoadableFile {
  readonly #hostFile: KernelFile | undefined;
  readonly #ownFile: KernelFile;

  /** `name` is below `/proc/net`. */
  constructor(procfs: string, name: string, source: string) {
    if (procfs !== OWN_PROCFS) this.#hostFile = new KernelFile(`${procfs}/1/net/${name}`, source);
    this.#ownFile = new KernelFile(`${procfs}/net/${name}`, source);
  }

  /** The scanner that all kernel files share. */
  get scan(): ByteScanner {
    return this.#ownFile.scan;
  }

  load(sink: SeriesSink): boolean {
    return this.#hostFile?.load(sink) === true || this.#ownFile.load(sink);
  }

  close(): void {
    this.#hostFile?.close();
    this.#ownFile.close();
  }
}
