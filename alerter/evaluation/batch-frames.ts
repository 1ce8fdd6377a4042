import { readBatch } from '../../pipeline/wire/batch.ts';
import { decodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import { frameCatalogue } from '../../pipeline/wire/frame.ts';

export interface BatchFrames {
  readonly offsets: readonly number[];
  /** The catalogues that they name. */
  readonly hashes: ReadonlySet<bigint>;
  /** The catalogues that came along. */
  readonly catalogues: readonly Catalogue[];
}

/**
 * Finds what is in an aligned batch.
 *
 * @throws RollcallError `bad_batch`, `bad_message`, `catalogue_invalid`
 */
export function batchFrames(batch: Buffer): BatchFrames {
  const offsets: number[] = [];
  const hashes = new Set<bigint>();
  const catalogues: Catalogue[] = [];
  readBatch(batch, {
    onFrame: (source, offset) => {
      offsets.push(offset);
      hashes.add(frameCatalogue(source, offset));
    },
    onCatalogue: (source, offset, length) => {
      catalogues.push(decodeCatalogueMessage(source, offset, length));
    },
  });
  return { offsets, hashes, catalogues };
}
