import { reasonOf } from '../pipeline/error.ts';
import { SELDOM_READS } from './sources/kernel-file.ts';
import type { SeriesTable } from './series-table.ts';
import type { Source } from './source.ts';

/** Opens a source; called again when the source has to begin anew. */
export type SourceOpener = () => Source;

/**
 * The sources of an agent, read one after the other. One whose metrics nobody wants, as the profile
 * goes, is looked at now and then only: it may come to have others.
 */
export class SourceSet {
  readonly #openers: readonly SourceOpener[];
  readonly #sources: Source[];
  #reads = 0;

  constructor(openers: readonly SourceOpener[]) {
    this.#openers = openers;
    this.#sources = openers.map((open) => open());
  }

  /** Brings the table up to date. What one source throws is counted and stops no other. */
  read(table: SeriesTable): void {
    table.clear();
    this.#reads += 1;
    for (let i = 0; i < this.#sources.length; i += 1) {
      const source = this.#sources[i]!;
      if (this.#reads % SELDOM_READS !== 0 && table.isUnwanted(source.name)) continue;
      this.#readOne(table, source);
    }
    for (const name of table.takeStale()) this.#reopen(table, name);
  }

  close(): void {
    for (const source of this.#sources) source.close();
  }

  #readOne(table: SeriesTable, source: Source): void {
    table.reading = source.name;
    try {
      source.read(table);
    } catch (error) {
      table.malformed(source.name, reasonOf(error));
    }
  }

  /** A source that was absent for long holds slots which others have now: it asks for new ones. */
  #reopen(table: SeriesTable, name: string): void {
    const index = this.#sources.findIndex((source) => source.name === name);
    if (index === -1) return;
    this.#sources[index]!.close();
    this.#sources[index] = this.#openers[index]!();
    this.#readOne(table, this.#sources[index]);
  }
}
