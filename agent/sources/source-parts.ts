import type { SeriesSink, Source } from '../source.ts';

/** A file, or a set of files, that a source is made of. */
export interface SourcePart {
  read(sink: SeriesSink): void;
  close(): void;
}

/** A source that reads its parts one after the other. */
export function sourceFromParts(name: string, parts: readonly SourcePart[]): Source {
  return {
    name,
    read(sink) {
      for (const part of parts) part.read(sink);
    },
    close() {
      for (const part of parts) part.close();
    },
  };
}
