import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';

const AT_PAGESZ = 6n;
const PAGE_BYTES_USUAL = 4096;

/**
 * The size of a page of memory as the kernel told this process at its start: the entry AT_PAGESZ
 * of the auxiliary vector, which is pairs of 64-bit words (getauxval(3), proc_pid_auxv(5)).
 */
export const pageBytes = pageBytesFrom(ownAuxiliaryVector());

export function pageBytesFrom(vector: Buffer): number {
  const word = (offset: number): bigint =>
    endianness() === 'LE' ? vector.readBigUInt64LE(offset) : vector.readBigUInt64BE(offset);
  for (let offset = 0; offset + 16 <= vector.length; offset += 16) {
    if (word(offset) === AT_PAGESZ) return Number(word(offset + 8));
  }
  return PAGE_BYTES_USUAL;
}

function ownAuxiliaryVector(): Buffer {
  try {
    return readFileSync('/proc/self/auxv');
  } catch {
    return Buffer.alloc(0);
  }
}
