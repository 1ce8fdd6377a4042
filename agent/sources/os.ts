import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { HostPaths, Metric, SeriesSink, SourceFactory } from '../source.ts';
import { KernelFile, SELDOM_READS } from './kernel-file.ts';
import { parseAssignment } from './os-release.ts';
import { declareRow } from './series-row.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const FILE_BYTES_MAX = 64 * 1024;

const INFO: Metric = {
  name: 'node_os_info',
  kind: 'gauge',
  unit: '',
  help: 'The operating system as it names itself, in the labels; always 1.',
};
const VERSION: Metric = {
  name: 'node_os_version',
  kind: 'gauge',
  unit: '',
  help: 'The first two parts of the version of the operating system, as a number.',
};
const SUPPORT_END: Metric = {
  name: 'node_os_support_end_timestamp_seconds',
  kind: 'gauge',
  unit: 'seconds',
  help: 'When the support of the operating system ends, in Unix time.',
};

/** Keys of the file; the labels are the same in lower case. */
const INFO_KEYS = [
  'BUILD_ID',
  'ID',
  'ID_LIKE',
  'IMAGE_ID',
  'IMAGE_VERSION',
  'NAME',
  'PRETTY_NAME',
  'VARIANT',
  'VARIANT_ID',
  'VERSION',
  'VERSION_CODENAME',
  'VERSION_ID',
];
const VERSION_KEYS = ['ID', 'ID_LIKE', 'NAME'];

/** The first of two files that exists, see os-release(5). It is read seldom. */
class OperatingSystem implements SourcePart {
  readonly #files: readonly KernelFile[];
  #contents: Buffer | undefined;
  #slots: number[] = [];
  #values: number[] = [];
  #readsToRefresh = 0;

  constructor({ rootfs }: HostPaths) {
    const root = rootfs.replace(/\/+$/, '');
    this.#files = ['etc', 'usr/lib'].map(
      (directory) =>
        new KernelFile(`${root}/${directory}/os-release`, 'os', { bytesMax: FILE_BYTES_MAX }),
    );
  }

  read(sink: SeriesSink): void {
    if (this.#readsToRefresh === 0) {
      this.#readsToRefresh = SELDOM_READS;
      this.#refresh(sink);
    }
    this.#readsToRefresh--;
    for (let i = 0; i < this.#slots.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
  }

  close(): void {
    this.#forget();
    this.#readsToRefresh = 0;
  }

  #refresh(sink: SeriesSink): void {
    const file = this.#files.find((file) => file.load(sink));
    const contents = file?.scan.bytes.subarray(0, file.scan.end);
    if (contents === undefined) this.#forget();
    else if (this.#contents?.equals(contents) !== true) this.#describe(sink, contents);
    for (const file of this.#files) file.close();
  }

  #forget(): void {
    this.#contents = undefined;
    this.#slots = [];
    this.#values = [];
  }

  #describe(sink: SeriesSink, contents: Buffer): void {
    this.#forget();
    this.#contents = Buffer.from(contents);
    const fields = new Map<string, string>();
    for (const line of contents.toString('utf8').split('\n')) {
      const assignment = parseAssignment(line);
      if (assignment === null) sink.malformed('os', `no assignment: ${line.slice(0, 80)}`);
      else if (assignment !== undefined) fields.set(...assignment);
    }
    const labels = (keys: readonly string[]): Label[] =>
      keys.map((key) => [key.toLowerCase(), fields.get(key) ?? '']);
    this.#add(sink, INFO, 1, labels(INFO_KEYS));
    const version = Number(/^\d+\.?\d*/.exec(fields.get('VERSION_ID') ?? '')?.[0] ?? 0);
    if (version > 0) this.#add(sink, VERSION, version, labels(VERSION_KEYS));
    const supportEnd = fields.get('SUPPORT_END') ?? '';
    if (supportEnd === '') return;
    const seconds = secondsOfDate(supportEnd);
    if (Number.isNaN(seconds)) sink.malformed('os', `no date: ${supportEnd.slice(0, 80)}`);
    else this.#add(sink, SUPPORT_END, seconds, []);
  }

  #add(sink: SeriesSink, metric: Metric, value: number, labels: readonly Label[]): void {
    const slots = declareRow(sink, 'os', [metric], labels);
    if (slots === null) return;
    this.#slots.push(slots[0]!);
    this.#values.push(value);
  }
}

/** The Unix time at which a day such as `2026-06-10` begins in UTC; NaN if it is no day. */
function secondsOfDate(date: string): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return NaN;
  const ms = Date.parse(`${date}T00:00:00Z`);
  // February 30th is taken as a day of March.
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date) ? ms / 1000 : NaN;
}

/** Which operating system this is. */
export const osSource: SourceFactory = (paths) =>
  sourceFromParts('os', [new OperatingSystem(paths)]);
