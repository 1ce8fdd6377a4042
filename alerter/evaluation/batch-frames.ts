import { readBatch } from '../../pipeline/wire/batch.ts';
import type { BatchVisitor } from '../../pipeline/wire/batch.ts';
import {
  claimedCatalogueHash,
  decodeCatalogueMessage,
} from '../../pipeline/wire/catalogue-message.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';

/** What is in a batch. */
export class BatchFrames implements BatchVisitor {
  readonly offsets: number[] = [];
  /** The catalogues that came along and were not known. */
  readonly catalogues: Catalogue[] = [];
  readonly #knows: (hash: bigint) => boolean;

  /** @throws RollcallError `bad_batch`, `bad_message`, `catalogue_invalid` */
  constructor(batch: Buffer, knows: (hash: bigint) => boolean) {
    this.#knows = knows;
    readBatch(batch, this);
  }

  onFrame(_source: Buffer, offset: number): void {
    this.offsets.push(offset);
  }

  onCatalogue(source: Buffer, offset: number, length: number): void {
    if (this.#knows(claimedCatalogueHash(source, offset, length))) return;
    this.catalogues.push(decodeCatalogueMessage(source, offset, length));
  }
}
