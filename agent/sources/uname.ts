import { machine } from 'node:os';
import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { readTextFile } from './quiet-files.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const INFO: Metric = {
  name: 'node_uname_info',
  kind: 'gauge',
  unit: '',
  help: 'The system as uname(2) describes it, in the labels; always 1.',
};

/** The fields of uname(2) and the sysctls that hold the same (proc_sys_kernel(5)). */
const SYSCTLS: readonly (readonly [label: string, sysctl: string])[] = [
  ['sysname', 'ostype'],
  ['nodename', 'hostname'],
  ['release', 'osrelease'],
  ['version', 'version'],
  ['domainname', 'domainname'],
];

/** Reads the names seldom; a change of the host's name makes another series. */
class SystemNames implements SourcePart {
  readonly #directory: string;
  #slots: Int32Array | null = null;
  #readsToRefresh = 0;

  constructor(procfs: string) {
    this.#directory = `${procfs}/sys/kernel`;
  }

  read(sink: SeriesSink): void {
    if (this.#readsToRefresh === 0) {
      this.#readsToRefresh = SELDOM_READS;
      const labels = this.#labels();
      this.#slots = labels === null ? null : declareRow(sink, 'uname', [INFO], labels);
    }
    this.#readsToRefresh--;
    if (this.#slots !== null) sink.set(this.#slots[0]!, 1);
  }

  close(): void {
    this.#readsToRefresh = 0;
  }

  /** The sysctl `arch` came with Linux 6.1; before, the machine is asked of this process. */
  #labels(): Label[] | null {
    const arch = readTextFile(`${this.#directory}/arch`) ?? machine();
    const labels: Label[] = [['machine', arch]];
    for (const [label, sysctl] of SYSCTLS) {
      const value = readTextFile(`${this.#directory}/${sysctl}`);
      if (value === undefined) return null;
      labels.push([label, value]);
    }
    return labels;
  }
}

/** Who this system is. */
export const unameSource: SourceFactory = (paths) =>
  sourceFromParts('uname', [new SystemNames(paths.procfs)]);
