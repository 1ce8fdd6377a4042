import {
  LABEL_NAME_BYTES_MAX,
  LABEL_VALUE_BYTES_MAX,
  LABELS_PER_SERIES_MAX,
  METRIC_NAME_BYTES_MAX,
  seriesKey,
  type SeriesKind,
} from '../../pipeline/wire/catalogue.ts';
import type { HostPaths, Metric, SeriesSink, Source, SourceOptions } from '../source.ts';
import { PromDirectory } from './prom-directory.ts';
import { sortedLabels, type PromFamily, type PromSeries } from './prom-family.ts';
import type { PromFile } from './prom-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** Where Debian's packages that come with a `*.prom` file put it. */
const DIRECTORY = '/var/lib/prometheus/node-exporter';
/** As many characters cannot be more bytes than a catalogue may hold. */
const HELP_LENGTH_MAX = 256;

const MODIFIED: Metric = {
  name: 'node_textfile_mtime_seconds',
  kind: 'gauge',
  unit: 'seconds',
  help: 'When a file of metrics was last written, in Unix time.',
};
const ERROR: Metric = {
  name: 'node_textfile_scrape_error',
  kind: 'gauge',
  unit: '',
  help: 'Whether a file of metrics could not be read or understood.',
};

/** What the first file with a family said of it. */
interface FamilyMeaning {
  readonly kind: SeriesKind;
  readonly help: string | undefined;
}

/**
 * The series of all files together. What one file says twice, or differently from a file before
 * it, is left out.
 */
class Merger {
  readonly slots: number[] = [];
  readonly values: number[] = [];
  failed = false;
  readonly #sink: SeriesSink;
  readonly #meanings = new Map<string, FamilyMeaning>();
  readonly #keys = new Set<string>();

  constructor(sink: SeriesSink) {
    this.#sink = sink;
  }

  add(file: PromFile): void {
    if (file.failed) {
      this.failed = true;
      return;
    }
    for (const family of file.families) {
      if (this.#agrees(file, family)) this.#addFamily(file, family);
    }
    const slot = this.#sink.declare(MODIFIED, [['file', file.name]]);
    this.#set(slot, file.modifiedSeconds);
  }

  #agrees(file: PromFile, { name, kind = 'untyped', help }: PromFamily): boolean {
    const meaning = this.#meanings.get(name);
    if (meaning === undefined) {
      this.#meanings.set(name, { kind, help });
      return true;
    }
    if (meaning.kind !== kind) {
      this.#complain(file, `${name} is a ${meaning.kind} in another file`);
      return false;
    }
    if (help === undefined || meaning.help === help) return true;
    if (meaning.help === undefined) {
      this.#meanings.set(name, { kind, help });
      return true;
    }
    this.#complain(file, `${name} has another HELP in another file`);
    this.failed = true;
    return false;
  }

  #addFamily(file: PromFile, family: PromFamily): void {
    const { kind = 'untyped', help = `Read from ${file.name}.` } = family;
    const oneLine = help.slice(0, HELP_LENGTH_MAX).replaceAll('\n', ' ');
    for (const series of family.series()) {
      const reason = this.#reasonAgainst(series);
      if (reason !== null) {
        this.#complain(file, reason);
        continue;
      }
      const { name, labels, value } = series;
      this.#set(
        this.#sink.declare({ name, kind, unit: unitOf(name), help: oneLine }, labels),
        value,
      );
    }
  }

  #reasonAgainst(series: PromSeries): string | null {
    if (!isWithinLimits(series)) return `${series.name} has a label or name that is too long`;
    const key = seriesKey(series.name, sortedLabels(series.labels));
    if (this.#keys.has(key)) return `${key} is there twice`;
    this.#keys.add(key);
    return null;
  }

  #set(slot: number, value: number): void {
    this.slots.push(slot);
    this.values.push(value);
  }

  #complain(file: PromFile, detail: string): void {
    this.#sink.malformed('textfile', `${file.name}: ${detail}`);
  }
}

/** What a catalogue can hold. */
function isWithinLimits({ name, labels }: PromSeries): boolean {
  return (
    name.length <= METRIC_NAME_BYTES_MAX &&
    labels.length <= LABELS_PER_SERIES_MAX &&
    labels.every(
      ([label, value]) =>
        label.length <= LABEL_NAME_BYTES_MAX && Buffer.byteLength(value) <= LABEL_VALUE_BYTES_MAX,
    )
  );
}

function unitOf(name: string): string {
  return (
    /_(seconds|bytes|celsius|ratio|hertz|volts|amperes|watts|joules)(_|$)/.exec(name)?.[1] ?? ''
  );
}

class TextFiles implements SourcePart {
  readonly #directories: readonly PromDirectory[];
  readonly #nowMs: () => number;
  #slots = new Int32Array(0);
  #values = new Float64Array(0);
  #errorSlot = -1;
  #failed = false;

  constructor(directories: readonly PromDirectory[], nowMs: () => number) {
    this.#directories = directories;
    this.#nowMs = nowMs;
  }

  read(sink: SeriesSink): void {
    const nowMs = this.#nowMs();
    let changed = false;
    for (const directory of this.#directories) {
      if (directory.refresh(sink, nowMs)) changed = true;
    }
    if (changed) this.#merge(sink);
    for (let i = 0; i < this.#slots.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
    if (this.#errorSlot !== -1) sink.set(this.#errorSlot, this.#failed ? 1 : 0);
  }

  close(): void {}

  #merge(sink: SeriesSink): void {
    const merger = new Merger(sink);
    for (const { files } of this.#directories) {
      for (const file of files) merger.add(file);
    }
    this.#slots = Int32Array.from(merger.slots);
    this.#values = Float64Array.from(merger.values);
    this.#failed = merger.failed || this.#directories.some(({ failed }) => failed);
    const shown = this.#failed || this.#directories.some(({ present }) => present);
    this.#errorSlot = shown ? sink.declare(ERROR) : -1;
  }
}

/**
 * What other programs of the host have to say: `*.prom` files in the Prometheus text format in
 * directories below the host's root.
 */
export function textfileSource(
  paths: HostPaths,
  { textfileDirectories: named = [] }: SourceOptions = {},
  nowMs: () => number = Date.now,
): Source {
  const root = paths.rootfs.replace(/\/+$/, '');
  // The default folder may be missing; one that somebody has named may not.
  const optional = named.length === 0;
  const directories = (optional ? [DIRECTORY] : named).map(
    (name) => new PromDirectory(root + name, name, { optional }),
  );
  return sourceFromParts('textfile', [new TextFiles(directories, nowMs)]);
}
