import { z } from 'zod';
import { RollcallError } from '../error.ts';
import { pack, unpack } from '../wire/msgpack.ts';
import { hexId, parseHexId } from '../wire/shard.ts';

/** A server that is to be monitored. */
export interface Target {
  /** 64-bit hash of the instance name. */
  readonly id: bigint;
  /** The name people know it by, unique in the fleet; the label `instance`. */
  readonly instance: string;
  /** `host:port` of its agent; empty for a component that reports by itself and is not dialled. */
  readonly address: string;
  /** Its own labels (`job`, `zone`, `role` …), without `instance`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly intervalMs: number;
}

const row = z.tuple([
  z.string().regex(/^[0-9a-f]{16}$/),
  z.string(),
  z.string(),
  z.record(z.string(), z.string()),
  z.number().int().positive(),
]);
const shardTargets = z.array(row);

/** The targets of one shard as they lie in their compacted subject. */
export function encodeTargets(targets: readonly Target[]): Uint8Array {
  return pack(
    targets.map(({ id, instance, address, labels, intervalMs }) => [
      hexId(id),
      instance,
      address,
      labels,
      intervalMs,
    ]),
  );
}

/** @throws RollcallError `targets_invalid` */
export function decodeTargets(payload: Uint8Array): Target[] {
  try {
    return shardTargets
      .parse(unpack(payload))
      .map(([id, instance, address, labels, intervalMs]) => ({
        id: parseHexId(id),
        instance,
        address,
        labels,
        intervalMs,
      }));
  } catch (cause) {
    throw new RollcallError('targets_invalid', 'the projected targets of a shard do not decode', {
      cause,
    });
  }
}

/** Whether two targets are the same in all that is said of them. */
export function isSameTarget(a: Target, b: Target): boolean {
  const names = Object.keys(a.labels);
  return (
    a.id === b.id &&
    a.instance === b.instance &&
    a.address === b.address &&
    a.intervalMs === b.intervalMs &&
    names.length === Object.keys(b.labels).length &&
    names.every((name) => Object.hasOwn(b.labels, name) && a.labels[name] === b.labels[name])
  );
}

/** The labels every series of the target has, `instance` included. */
export function targetLabels(target: Target): Record<string, string> {
  return { ...target.labels, instance: target.instance };
}
