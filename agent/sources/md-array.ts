import type { ByteScanner } from './byte-scanner.ts';
import { leadingDigits } from './leading-digits.ts';

const TAB = 0x09;
const SPACE = 0x20;
const SLASH = 0x2f;
const EQUALS = 0x3d;

const COLON = Buffer.from(':');
const BRACKET = Buffer.from('[');
const PARENTHESIS = Buffer.from('(');
const FAILED = Buffer.from('(F)');
const SPARE = Buffer.from('(S)');
const ACTIVE = Buffer.from('active');
const INACTIVE = Buffer.from('inactive');

export const ARRAY_STATES = ['active', 'inactive', 'recovering', 'resync', 'check'] as const;
export type ArrayState = (typeof ARRAY_STATES)[number];

/** What is going on under which name; an array that is being reshaped counts as active. */
const ACTIONS: readonly (readonly [name: Uint8Array, state: ArrayState])[] = [
  [Buffer.from('recovery'), 'recovering'],
  [Buffer.from('resync'), 'resync'],
  [Buffer.from('check'), 'check'],
];

/**
 * What `/proc/mdstat` says of one RAID array, written by md_seq_show() in the kernel's
 * drivers/md/md.c: a line with its members, and indented below it its size and, unless it is idle,
 * what is going on:
 *
 *     md2 : active raid5 sdd1[4] sdc1[1](F) sdb1[0]
 *           23437503488 blocks super 1.2 level 5, 512k chunk, algorithm 2 [4/3] [UU_U]
 *           [=>....]  recovery =  6.4% (500001024/7812501162) finish=841.0min speed=144912K/sec
 *           bitmap: 7/59 pages [28KB], 65536KB chunk
 *
 * Levels without redundancy do not say how many disks they have: all their members. Of an inactive
 * array it is not known.
 */
export class MdArray {
  /** Null if it is none of the known ones, such as `broken`. */
  state: ArrayState | null = null;
  disksRequired = 0;
  disksActive = 0;
  disksFailed = 0;
  disksSpare = 0;
  /** In KiB. */
  blocks = 0;
  blocksSynced = 0;

  /** Reads on behind the array's name up to the next array; false if this is not one. */
  read(scan: ByteScanner): boolean {
    let understood = this.#readMembers(scan);
    scan.nextLine();
    if (!isIndented(scan)) return false;
    if (!this.#readSize(scan)) understood = false;
    for (scan.nextLine(); isIndented(scan); scan.nextLine()) this.#readAction(scan);
    return understood;
  }

  #readMembers(scan: ByteScanner): boolean {
    if (!scan.word() || !scan.wordIs(COLON) || !scan.word()) return false;
    const inactive = scan.wordIs(INACTIVE);
    this.state = scan.wordIs(ACTIVE) ? 'active' : inactive ? 'inactive' : null;
    this.disksRequired = inactive ? 0 : countInLine(scan, BRACKET);
    this.disksActive = this.disksRequired;
    this.disksFailed = countInLine(scan, FAILED);
    this.disksSpare = countInLine(scan, SPARE);
    return true;
  }

  #readSize(scan: ByteScanner): boolean {
    scan.skipSpaces();
    // Without any members yet there is no size either.
    this.blocks = this.state === 'inactive' && scan.atLineEnd ? 0 : scan.number();
    this.blocksSynced = this.blocks;
    if (Number.isNaN(this.blocks)) return false;
    if (this.state === 'inactive' || !scan.seekInLine(BRACKET)) return true;
    const required = leadingDigits(scan);
    if (Number.isNaN(required) || !scan.skipByte(SLASH)) return false;
    this.disksRequired = required;
    this.disksActive = leadingDigits(scan);
    return !Number.isNaN(this.disksActive);
  }

  /** `resync=DELAYED` and the like are about to begin. */
  #readAction(scan: ByteScanner): void {
    if (!scan.word()) return;
    // A bar of the progress comes first, if there is any yet.
    if (scan.bytes[scan.wordStart] !== BRACKET[0]) scan.pos = scan.wordStart;
    scan.wordUntil(EQUALS);
    for (const [name, state] of ACTIONS) {
      if (!scan.wordIs(name)) continue;
      this.state = state;
      const synced = scan.seekInLine(PARENTHESIS) ? leadingDigits(scan) : NaN;
      this.blocksSynced = Number.isNaN(synced) ? 0 : synced;
      return;
    }
  }
}

/** Whether the line at the cursor belongs to the array above it. */
export function isIndented(scan: ByteScanner): boolean {
  if (scan.atEnd) return false;
  const byte = scan.bytes[scan.pos];
  return byte === SPACE || byte === TAB;
}

/** How often something is in the rest of the line; the cursor stays. */
function countInLine(scan: ByteScanner, needle: Uint8Array): number {
  const { pos } = scan;
  let count = 0;
  while (scan.seekInLine(needle)) count++;
  scan.pos = pos;
  return count;
}
