import { RollcallError } from '../error.ts';
import type { Catalogue } from './catalogue.ts';
import { decodeCatalogue } from './catalogue.ts';
import { MessageType, newMessage } from './message.ts';

const HASH_AT = 16;
const PAYLOAD_AT = 24;

/** The CATALOGUE message, with the target still 0. */
export function encodeCatalogueMessage(catalogue: Catalogue): Buffer {
  const message = newMessage(MessageType.catalogue, PAYLOAD_AT + catalogue.payload.length);
  message.writeBigUInt64LE(catalogue.hash, HASH_AT);
  message.set(catalogue.payload, PAYLOAD_AT);
  return message;
}

/** The hash a CATALOGUE message claims; decodeCatalogueMessage verifies it. */
export function claimedCatalogueHash(source: Buffer, offset: number, length: number): bigint {
  if (length < PAYLOAD_AT) throw new RollcallError('bad_message', `CATALOGUE of ${length} bytes`);
  return source.readBigUInt64LE(offset + HASH_AT);
}

/**
 * Decodes and verifies a catalogue; its payload is a copy.
 *
 * @throws RollcallError `bad_message` or `catalogue_invalid`
 */
export function decodeCatalogueMessage(source: Buffer, offset: number, length: number): Catalogue {
  const claimed = claimedCatalogueHash(source, offset, length);
  const payload = Uint8Array.prototype.slice.call(source, offset + PAYLOAD_AT, offset + length);
  const catalogue = decodeCatalogue(payload);
  if (catalogue.hash !== claimed) {
    throw new RollcallError('bad_message', 'CATALOGUE: its hash is not that of its content');
  }
  return catalogue;
}
