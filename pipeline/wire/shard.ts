import { createHash } from 'node:crypto';

/** Fixed for ever: targets are dealt onto shards, shards onto lanes and members. */
export const SHARDS = 256;

/** The 64-bit id of a target: the first 8 bytes of SHA-256 of its instance name. */
export function targetId(instance: string): bigint {
  return createHash('sha256').update(instance).digest().readBigUInt64LE(0);
}

/** The shard of a target, 0 to 255. Ids are hashes, so any 8 bits of them are evenly spread. */
export function shardOf(target: bigint): number {
  return Number(target & 255n);
}

/** The lane of a shard, 0 to lanes − 1. */
export function laneOf(shard: number, lanes: number): number {
  return shard % lanes;
}

/** The instant within the interval at which a target ticks: spreads the fleet evenly. */
export function phaseMsOf(target: bigint, intervalMs: number): number {
  return Number((target >> 8n) % BigInt(intervalMs));
}

/** The 16 hex digits that name a 64-bit id in text. */
export function hexId(id: bigint): string {
  return id.toString(16).padStart(16, '0');
}

export function parseHexId(text: string): bigint {
  return BigInt(`0x${text}`);
}
