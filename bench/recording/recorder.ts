import { seriesKey } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue, SeriesInfo } from '../../pipeline/wire/catalogue.ts';
import { frameSlots, isPresent, valuesAt } from '../../pipeline/wire/frame.ts';
import type { RecordedSeries, Recording } from './recording.ts';

/** One series while it is being recorded: its values and the ticks that they are of. */
interface Column {
  readonly info: SeriesInfo;
  readonly ticks: number[];
  readonly values: number[];
}

/**
 * Gathers frames, tick by tick, into a recording. Series are in the order in which they first came, and their
 * catalogue may change in between.
 */
export class Recorder {
  readonly #wants: (series: string) => boolean;
  readonly #columns = new Map<string, Column>();
  /** By slot of the present catalogue; undefined where a series is not wanted. */
  #slots: readonly (Column | undefined)[] = [];
  #ticks = 0;

  /** @param wants decides by a series' key, such as `node_load1` or `node_network_up{device="lo"}` */
  constructor(wants: (series: string) => boolean) {
    this.#wants = wants;
  }

  get ticks(): number {
    return this.#ticks;
  }

  get seriesCount(): number {
    return this.#columns.size;
  }

  /** The catalogue of the frames that follow. */
  catalogue({ series }: Catalogue): void {
    this.#slots = series.map((info) => {
      const key = seriesKey(info.name, info.labels);
      if (!this.#wants(key)) return undefined;
      const known = this.#columns.get(key);
      if (known !== undefined) return known;
      const column = { info, ticks: [], values: [] };
      this.#columns.set(key, column);
      return column;
    });
  }

  /** The next tick: the SAMPLES message at `offset`, which has been checked. */
  frame(source: Buffer, offset: number): void {
    const slots = frameSlots(source, offset);
    const at = offset + valuesAt(slots);
    for (let slot = 0; slot < slots; slot += 1) {
      const column = this.#slots[slot];
      if (column === undefined || !isPresent(source, offset, slot)) continue;
      column.ticks.push(this.#ticks);
      column.values.push(source.readDoubleLE(at + 8 * slot));
    }
    this.#ticks += 1;
  }

  /** What has been recorded so far. */
  recording(intervalMs: number): Recording {
    const ticks = this.#ticks;
    const series = [...this.#columns.values()]
      .filter((column) => column.ticks.length > 0)
      .map((column) => seriesOf(column, ticks));
    return { intervalMs, ticks, series };
  }
}

function seriesOf(column: Column, length: number): RecordedSeries {
  const values = new Float64Array(length);
  const present = new Uint8Array(length);
  for (const [i, tick] of column.ticks.entries()) {
    values[tick] = column.values[i]!;
    present[tick] = 1;
  }
  return { ...column.info, values, present };
}
