import type { Bus } from '../../pipeline/bus/bus.ts';
import { shelvedCatalogue } from '../../pipeline/bus/shelved-catalogue.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { decodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';

/**
 * Takes a catalogue from its compacted subject: for the frames of hosts whose catalogue came along the lane before we
 * read it. Undefined if nobody has published it, or what was published is no catalogue.
 */
export async function fetchCatalogue(bus: Bus, hash: bigint): Promise<Catalogue | undefined> {
  try {
    const payload = await shelvedCatalogue(bus, hash);
    return payload === undefined ? undefined : decodeCatalogue(payload);
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'catalogue_invalid') return undefined;
    throw error;
  }
}
