import { deflateSync, inflateSync } from 'node:zlib';
import { reasonOf, RollcallError } from '../error.ts';
import { CATALOGUE_BYTES_MAX } from '../wire/catalogue.ts';
import type { Catalogue } from '../wire/catalogue.ts';
import { hexId } from '../wire/shard.ts';
import type { Bus } from './bus.ts';

/** What zlib's format begins with for a window of 32 KiB; no array of msgpack begins so. */
const ZLIB = 0x78;

/**
 * Puts a catalogue on its compacted subject, where consumers that begin later find it, unless it is there. A hundred
 * thousand hosts may have one each, so it is compressed.
 *
 * @throws NATS' failures: to be tried again
 */
export async function shelveCatalogue(
  bus: Bus,
  { hash, payload }: Pick<Catalogue, 'hash' | 'payload'>,
): Promise<void> {
  const { topology } = bus;
  const subject = topology.catalogueSubject(hexId(hash));
  const known = await bus.last(topology.cataloguesStream, subject);
  if (known === undefined) await bus.publish(subject, deflateSync(payload));
}

/**
 * The payload of a catalogue, from its compacted subject; undefined if it is not there.
 *
 * @throws RollcallError `catalogue_invalid` if something else is; NATS' failures: to be tried again
 */
export async function shelvedCatalogue(bus: Bus, hash: bigint): Promise<Uint8Array | undefined> {
  const { topology } = bus;
  const value = await bus.last(topology.cataloguesStream, topology.catalogueSubject(hexId(hash)));
  return value === undefined ? undefined : shelvedPayload(value.data);
}

/**
 * A catalogue's payload out of a message of its compacted subject; older versions did not compress it.
 *
 * @throws RollcallError `catalogue_invalid`
 */
export function shelvedPayload(data: Uint8Array): Uint8Array {
  if (data[0] !== ZLIB) return Uint8Array.from(data);
  try {
    return Uint8Array.from(inflateSync(data, { maxOutputLength: CATALOGUE_BYTES_MAX }));
  } catch (cause) {
    throw new RollcallError('catalogue_invalid', `catalogue: ${reasonOf(cause)}`, { cause });
  }
}
