import { presenceBytes } from '../../pipeline/wire/frame.ts';

let presence = new Uint8Array(0);
let present = -1;

/** The bitmap of a frame that has a value in each of so many slots; the same one as long as their number is. */
export function allPresent(slots: number): Uint8Array {
  if (present !== slots) {
    presence = new Uint8Array(presenceBytes(slots));
    for (let slot = 0; slot < slots; slot += 1) presence[slot >> 3]! |= 1 << (slot & 7);
    present = slots;
  }
  return presence;
}
