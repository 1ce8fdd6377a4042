import { statSync } from 'node:fs';
import type { HostPaths, Metric, SeriesSink, SourceFactory } from '../source.ts';
import { attributeText } from './attribute-text.ts';
import type { ByteScanner } from './byte-scanner.ts';
import { KernelFile, SELDOM_READS } from './kernel-file.ts';
import { leadingDigits } from './leading-digits.ts';
import { NumberFile } from './number-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const SLASH = 0x2f;
const EQUALS = 0x3d;
const CONFIG_BYTES_MAX = 64 * 1024;
const SELINUX = Buffer.from('SELINUX');

function metric(name: string, help: string): Metric {
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  return { name: `node_selinux_${name}`, kind, unit: '', help };
}

const ENABLED = metric('enabled', 'Whether SELinux is enabled.');
const CONFIGURED = metric(
  'config_mode',
  'Configured mode: 1 is enforcing, 0 permissive, -1 disabled.',
);
const CURRENT = metric('current_mode', 'Mode in force: 1 is enforcing, 0 permissive.');
const THRESHOLD = metric('avc_threshold', 'Entries of the access vector cache at most.');
/** In the order of the columns of `cache_stats`. */
const CACHE: readonly Metric[] = [
  metric('avc_lookups_total', 'Lookups in the access vector cache.'),
  metric('avc_hits_total', 'Lookups that found their entry in the access vector cache.'),
  metric('avc_misses_total', 'Lookups that did not find an entry in the access vector cache.'),
  metric('avc_allocations_total', 'Entries of the access vector cache that were allocated.'),
  metric('avc_reclaims_total', 'Entries of the access vector cache that were reclaimed.'),
  metric('avc_frees_total', 'Entries of the access vector cache that were freed.'),
];
/** In the order of the numbers in `hash_stats`. */
const HASH: readonly Metric[] = [
  metric('avc_hash_entries', 'Entries in the access vector cache.'),
  metric('avc_hash_buckets_used', 'Buckets of the access vector cache with an entry.'),
  metric('avc_hash_buckets_available', 'Buckets of the access vector cache.'),
  metric('avc_hash_longest_chain', 'Entries in the longest bucket of the access vector cache.'),
];
const MODES: Readonly<Record<string, number>> = { enforcing: 1, permissive: 0 };
const DISABLED = -1;
/** The label of every process until a policy is loaded. */
const NO_POLICY = 'kernel';

/** Whether SELinux is in use, and the mode it begins with (selinux_config(5)); looked up seldom. */
class SelinuxMode implements SourcePart {
  enabled = false;
  readonly #paths: HostPaths;
  readonly #config: KernelFile;
  #readsToLook = 0;
  #present = false;
  #configured: number | undefined;
  #enabledSlot = -1;
  #configuredSlot = -1;

  constructor(paths: HostPaths) {
    this.#paths = paths;
    const root = paths.rootfs.replace(/\/+$/, '');
    const options = { bytesMax: CONFIG_BYTES_MAX };
    this.#config = new KernelFile(`${root}/etc/selinux/config`, 'selinux', options);
  }

  read(sink: SeriesSink): void {
    if (this.#readsToLook === 0) this.#look(sink);
    this.#readsToLook--;
    if (this.#present) sink.set(this.#enabledSlot, this.enabled ? 1 : 0);
    if (this.#configured !== undefined) sink.set(this.#configuredSlot, this.#configured);
  }

  close(): void {
    this.#readsToLook = 0;
  }

  #look(sink: SeriesSink): void {
    const { procfs, sysfs } = this.#paths;
    this.#readsToLook = SELDOM_READS;
    this.#present = isThere(`${sysfs}/fs`);
    this.enabled =
      isThere(`${sysfs}/fs/selinux/enforce`) &&
      attributeText(`${procfs}/self/attr/current`)?.replace('\0', '').trim() !== NO_POLICY;
    this.#configured = this.enabled ? this.#configuredMode(sink) : undefined;
    if (this.#present) this.#enabledSlot = sink.declare(ENABLED);
    if (this.#configured !== undefined) this.#configuredSlot = sink.declare(CONFIGURED);
  }

  /** Undefined if there is no such file. */
  #configuredMode(sink: SeriesSink): number | undefined {
    if (!this.#config.load(sink)) return undefined;
    const { scan } = this.#config;
    let mode = '';
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.wordUntil(EQUALS) || !scan.wordIs(SELINUX)) continue;
      scan.skipSpaces();
      if (scan.skipByte(EQUALS) && scan.word()) mode = scan.wordText();
    }
    this.#config.close();
    return Object.hasOwn(MODES, mode) ? MODES[mode]! : DISABLED;
  }
}

/** `avc/cache_stats`: a header and a line for each CPU. Shown are the sums. */
class CacheStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #values = new Float64Array(CACHE.length);
  readonly #sums = new Float64Array(CACHE.length);
  #slots: Int32Array | undefined;

  constructor(path: string) {
    this.#file = new KernelFile(path, 'selinux');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#sums.fill(0);
    scan.nextLine();
    for (; !scan.atEnd; scan.nextLine()) {
      if (scan.numbers(this.#values) !== CACHE.length) {
        sink.malformed('selinux', scan.lineExcerpt());
        return;
      }
      for (let i = 0; i < CACHE.length; i++) this.#sums[i]! += this.#values[i]!;
    }
    this.#slots ??= Int32Array.from(CACHE, (each) => sink.declare(each));
    for (let i = 0; i < CACHE.length; i++) sink.set(this.#slots[i]!, this.#sums[i]!);
  }

  close(): void {
    this.#file.close();
  }
}

/** `avc/hash_stats`: `entries: 503`, `buckets used: 290/512`, `longest chain: 4`. */
class HashStats implements SourcePart {
  readonly #file: KernelFile;
  readonly #values = new Float64Array(HASH.length);
  #slots: Int32Array | undefined;

  constructor(path: string) {
    this.#file = new KernelFile(path, 'selinux');
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    this.#values[0] = numberAfter(scan, 1);
    scan.nextLine();
    this.#values[1] = numberAfter(scan, 2);
    this.#values[2] = scan.skipByte(SLASH) ? scan.number() : NaN;
    scan.nextLine();
    this.#values[3] = numberAfter(scan, 2);
    if (this.#values.some(Number.isNaN)) {
      sink.malformed('selinux', scan.lineExcerpt());
      return;
    }
    this.#slots ??= Int32Array.from(HASH, (each) => sink.declare(each));
    for (let i = 0; i < HASH.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
  }

  close(): void {
    this.#file.close();
  }
}

function numberAfter(scan: ByteScanner, words: number): number {
  for (let word = 0; word < words; word++) scan.word();
  scan.skipSpaces();
  return leadingDigits(scan);
}

function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** SELinux: whether it is on, how, and its cache of decisions (the kernel's security/selinux). */
export const selinuxSource: SourceFactory = (paths) => {
  const directory = `${paths.sysfs}/fs/selinux`;
  const mode = new SelinuxMode(paths);
  const details = sourceFromParts('selinux', [
    new NumberFile(`${directory}/enforce`, 'selinux', [{ metric: CURRENT }]),
    new CacheStats(`${directory}/avc/cache_stats`),
    new HashStats(`${directory}/avc/hash_stats`),
    new NumberFile(`${directory}/avc/cache_threshold`, 'selinux', [{ metric: THRESHOLD }]),
  ]);
  return sourceFromParts('selinux', [
    mode,
    {
      read: (sink) => {
        if (mode.enabled) details.read(sink);
      },
      close: () => details.close(),
    },
  ]);
};
