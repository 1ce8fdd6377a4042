import type { Bus } from '../../pipeline/bus/bus.ts';
import { RollcallError } from '../../pipeline/error.ts';
import { decodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue } from '../../pipeline/wire/catalogue.ts';
import { hexId } from '../../pipeline/wire/shard.ts';

/**
 * Takes a catalogue from its compacted subject: for the frames of hosts whose catalogue came along the lane before we
 * read it. Undefined if nobody has published it, or what was published is no catalogue.
 */
export async function fetchCatalogue(bus: Bus, hash: bigint): Promise<Catalogue | undefined> {
  const { topology } = bus;
  const subject = topology.catalogueSubject(hexId(hash));
  const found = await bus.last(topology.cataloguesStream, subject);
  if (found === undefined) return undefined;
  try {
    return decodeCatalogue(found.data);
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'catalogue_invalid') return undefined;
    throw error;
  }
}
