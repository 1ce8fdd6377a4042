import { readSync } from 'node:fs';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { closeQuietly, openQuietly } from './quiet-files.ts';
import { ByteScanner } from './byte-scanner.ts';
import { SELDOM_READS } from './kernel-file.ts';
import type { SourcePart } from './source-parts.ts';

/** What follows is cut off, as node_exporter cuts it off. */
export const ATTRIBUTE_BYTES_MAX = 128;
/** Attributes beyond this many are opened for each reading; a process may have 1024 files open. */
const OPEN_MAX = 800;
const ZERO = 0x30;
const LOWER_X = 0x78;

/** Attributes are read one after the other, so one small buffer serves them all. */
const scan = new ByteScanner(ATTRIBUTE_BYTES_MAX);
let openAttributes = 0;

/**
 * A sysfs attribute that stays open: one short value (the kernel's
 * Documentation/filesystems/sysfs.rst), which a single read returns in full. Where a host has
 * hundreds of devices, that is half the cost of a KernelFile. Whatever the reason, an attribute
 * that cannot be opened or read is absent, and asked again as seldom as a KernelFile is.
 */
export class SysfsAttribute {
  readonly #path: string;
  #descriptor = -1;
  #readsToSkip = 0;
  #worked = false;
  /** What the bytes last read as text say, so that the same bytes make no new string. */
  #textBytes: Uint8Array = new Uint8Array();
  #text = '';

  constructor(path: string) {
    this.#path = path;
  }

  /** The value as a number, NaN if it is none, undefined if it is absent. */
  number(): number | undefined {
    return this.#load() ? numberOf(scan) : undefined;
  }

  /** The value as text, without blanks around it; undefined if it is absent. */
  text(): string | undefined {
    if (!this.#load()) return undefined;
    const { bytes, end } = scan;
    if (bytes.compare(this.#textBytes, 0, this.#textBytes.length, 0, end) !== 0) {
      this.#textBytes = Uint8Array.from(bytes.subarray(0, end));
      this.#text = textOf(scan);
    }
    return this.#text;
  }

  close(): void {
    this.#release();
    this.#readsToSkip = 0;
  }

  #load(): boolean {
    if (this.#readsToSkip > 0) {
      this.#readsToSkip--;
      return false;
    }
    if (this.#open()) {
      try {
        fill(this.#descriptor);
        this.#worked = true;
        if (openAttributes > OPEN_MAX) this.#release();
        return true;
      } catch {
        this.#release();
      }
    }
    if (!this.#worked) this.#readsToSkip = SELDOM_READS - 1;
    this.#worked = false;
    return false;
  }

  #open(): boolean {
    if (this.#descriptor !== -1) return true;
    this.#descriptor = openQuietly(this.#path);
    if (this.#descriptor === -1) return false;
    openAttributes++;
    return true;
  }

  #release(): void {
    if (this.#descriptor === -1) return;
    closeQuietly(this.#descriptor);
    this.#descriptor = -1;
    openAttributes--;
  }
}

/** An attribute with a number that is a series of its own, read at every tick. */
export class NumberAttribute implements SourcePart {
  readonly path: string;
  readonly #attribute: SysfsAttribute;
  readonly #source: string;
  readonly #metric: Metric;
  readonly #labels: readonly Label[];
  #slot: number | undefined;

  constructor(path: string, source: string, metric: Metric, labels: readonly Label[]) {
    this.path = path;
    this.#attribute = new SysfsAttribute(path);
    this.#source = source;
    this.#metric = metric;
    this.#labels = labels;
  }

  read(sink: SeriesSink): void {
    // Nobody wants it: then it is not read again either.
    if (this.#slot === -1) return;
    const value = this.#attribute.number();
    if (value === undefined) return;
    if (Number.isNaN(value)) {
      sink.malformed(this.#source, `no number in ${this.path}`);
      return;
    }
    this.#slot ??= sink.declare(this.#metric, this.#labels);
    if (this.#slot === -1) this.#attribute.close();
    else sink.set(this.#slot, value);
  }

  close(): void {
    this.#attribute.close();
  }
}

/** As `SysfsAttribute.number` of an attribute that is read too seldom to stay open. */
export function readAttributeNumber(path: string): number | undefined {
  return readOnce(path) ? numberOf(scan) : undefined;
}

function readOnce(path: string): boolean {
  const descriptor = openQuietly(path);
  if (descriptor === -1) return false;
  try {
    fill(descriptor);
    return true;
  } catch {
    return false;
  } finally {
    closeQuietly(descriptor);
  }
}

function fill(descriptor: number): void {
  scan.pos = 0;
  scan.end = 0;
  scan.end = readSync(descriptor, scan.bytes, 0, ATTRIBUTE_BYTES_MAX, 0);
}

/** A decimal number, or one in hexadecimal after `0x`. */
function numberOf(scan: ByteScanner): number {
  scan.skipSpaces();
  const { bytes, pos } = scan;
  if (bytes[pos] !== ZERO || bytes[pos + 1] !== LOWER_X || pos + 1 >= scan.end)
    return scan.number();
  scan.pos = pos + 2;
  const value = scan.hex();
  return scan.atLineEnd ? value : NaN;
}

/** A run of bytes that are not UTF-8 is one replacement character. */
function textOf(scan: ByteScanner): string {
  const text = scan.bytes.toString('utf8', 0, scan.end);
  return text.replaceAll(/\uFFFD+/g, '\uFFFD').trim();
}
