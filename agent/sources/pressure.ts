import type { Metric, SeriesSink, SourceFactory } from '../source.ts';
import { KernelFile } from './kernel-file.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

const SOME = Buffer.from('some');
const FULL = Buffer.from('full');
const TOTAL = Buffer.from('total=');

/**
 * One resource's pressure stall information (the kernel's Documentation/accounting/psi.rst):
 *
 *     some avg10=0.00 avg60=0.18 avg300=0.63 total=16868922      waiting: at least one task
 *     full avg10=0.00 avg60=0.00 avg300=0.00 total=0             stalled: all tasks
 *
 * The totals are microseconds. For the CPU, `full` has no meaning for a whole system.
 */
class PressureFile implements SourcePart {
  readonly #file: KernelFile;
  readonly #waiting: Metric;
  readonly #stalled: Metric | null;
  #waitingSlot = -1;
  #stalledSlot = -1;

  constructor(procfs: string, resource: string) {
    this.#file = new KernelFile(`${procfs}/pressure/${resource}`, 'pressure', {
      wholeAtOnce: true,
    });
    this.#waiting = metric(
      `${resource}_waiting`,
      `Time in which some task waited for ${resource}.`,
    );
    this.#stalled =
      resource === 'cpu'
        ? null
        : metric(`${resource}_stalled`, `Time in which every task waited for ${resource}.`);
  }

  read(sink: SeriesSink): void {
    if (!this.#file.load(sink)) return;
    const { scan } = this.#file;
    for (; !scan.atEnd; scan.nextLine()) {
      if (!scan.word()) continue;
      const full = scan.wordIs(FULL);
      const known = full || scan.wordIs(SOME);
      const total = scan.seekInLine(TOTAL) ? scan.number() : NaN;
      if (known && !Number.isNaN(total)) this.#set(sink, full, total);
      else sink.malformed('pressure', scan.lineExcerpt());
    }
  }

  close(): void {
    this.#file.close();
  }

  #set(sink: SeriesSink, full: boolean, totalUs: number): void {
    // Divided twice, as node_exporter does it: one division can differ in the last bit.
    const seconds = totalUs / 1000 / 1000;
    if (!full) {
      if (this.#waitingSlot === -1) this.#waitingSlot = sink.declare(this.#waiting);
      sink.set(this.#waitingSlot, seconds);
    } else if (this.#stalled !== null) {
      if (this.#stalledSlot === -1) this.#stalledSlot = sink.declare(this.#stalled);
      sink.set(this.#stalledSlot, seconds);
    }
  }
}

function metric(name: string, help: string): Metric {
  return { name: `node_pressure_${name}_seconds_total`, kind: 'counter', unit: 'seconds', help };
}

/** How long tasks have waited for CPU, I/O and memory. */
export const pressureSource: SourceFactory = (paths) =>
  sourceFromParts(
    'pressure',
    ['cpu', 'io', 'irq', 'memory'].map((name) => new PressureFile(paths.procfs, name)),
  );
