import { parseAddress } from '../dial/address.ts';
import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';
import { targetId } from '../wire/shard.ts';
import type { Target } from './target.ts';

interface TargetRow {
  id: string;
  instance: string;
  address: string;
  labels: Record<string, string>;
  interval_ms: number;
  is_deleted: boolean;
}

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const INSTANCE_BYTES_MAX = 512;
const LABELS_MAX = 64;
const LABEL_VALUE_BYTES_MAX = 1024;
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;

export interface NewTarget {
  readonly instance: string;
  /** `host:port`, or empty for a component that reports by itself. */
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly intervalMs: number;
}

/** The current targets, by instance. */
export async function listTargets(store: Store): Promise<Target[]> {
  const rows = await store.rows<TargetRow>(
    'SELECT * FROM targets_current WHERE NOT is_deleted ORDER BY instance',
  );
  return rows.map(targetOf);
}

/** The current targets whose id falls into one shard. */
export async function targetsOfShard(store: Store, shard: number): Promise<Target[]> {
  const rows = await store.rows<TargetRow>(
    'SELECT * FROM targets_current WHERE bitAnd(id, 255) = {shard:UInt8} AND NOT is_deleted',
    { shard },
  );
  return rows.map(targetOf);
}

/**
 * Adds targets, or changes those with the same instance.
 *
 * @throws RollcallError `target_invalid`, naming the instance and what is wrong; then none is added
 */
export async function putTargets(store: Store, targets: readonly NewTarget[]): Promise<void> {
  for (const { instance, address } of targets) checkAddress(instance, address);
  await insertTargets(store, targets);
}

/**
 * As `putTargets`, but an address may be empty: the target is not dialled, it reports by itself.
 *
 * @throws RollcallError `target_invalid`
 */
export async function insertTargets(store: Store, targets: readonly NewTarget[]): Promise<void> {
  if (targets.length === 0) return;
  for (const target of targets) check(target);
  const rows = targets.map(({ instance, address, labels, intervalMs }) => ({
    id: targetId(instance),
    instance,
    address,
    labels,
    intervalMs,
  }));
  await refuseCollisions(store, rows);
  await insertRevision(store, rows, false);
}

/**
 * Removes targets; their samples stay until they expire.
 *
 * @throws RollcallError `target_unknown`, naming the first instance that is no target
 */
export async function removeTargets(store: Store, instances: readonly string[]): Promise<void> {
  const current = new Map((await listTargets(store)).map((target) => [target.instance, target]));
  const unknown = instances.find((instance) => !current.has(instance));
  if (unknown !== undefined) {
    throw new RollcallError(
      'target_unknown',
      `there is no target ${JSON.stringify(unknown)}; "rollcall targets list" shows them`,
    );
  }
  await insertRevision(
    store,
    instances.map((instance) => current.get(instance)!),
    true,
  );
}

async function insertRevision(
  store: Store,
  targets: readonly Target[],
  isDeleted: boolean,
): Promise<void> {
  if (targets.length === 0) return;
  const [row] = await store.rows<{ revision: string }>(
    'SELECT max(revision) + 1 AS revision FROM targets',
  );
  await store.insertRows(
    'targets',
    targets.map(({ id, instance, address, labels, intervalMs }) => ({
      id: id.toString(),
      revision: row!.revision,
      instance,
      address,
      labels,
      interval_ms: intervalMs,
      is_deleted: isDeleted,
    })),
  );
}

/** Two names with one 64-bit hash would silently share their samples. */
async function refuseCollisions(store: Store, targets: readonly Target[]): Promise<void> {
  const wanted = new Map<bigint, string>();
  const known = await store.rows<{ id: string; instance: string }>(
    'SELECT id, any(instance) AS instance FROM targets GROUP BY id',
  );
  for (const { id, instance } of known) wanted.set(BigInt(id), instance);
  for (const { id, instance } of targets) {
    const other = wanted.get(id) ?? instance;
    if (other !== instance)
      throw invalid(instance, `its id is that of ${other}: choose another name`);
    wanted.set(id, instance);
  }
}

function checkAddress(instance: string, address: string): void {
  try {
    parseAddress(address);
  } catch (error) {
    throw invalid(instance, (error as Error).message);
  }
}

function check({ instance, labels, intervalMs }: NewTarget): void {
  if (instance === '' || Buffer.byteLength(instance) > INSTANCE_BYTES_MAX) {
    throw invalid(instance, `a name has 1 to ${INSTANCE_BYTES_MAX} bytes`);
  }
  const isAllowed = intervalMs >= INTERVAL_MS_MIN && intervalMs <= INTERVAL_MS_MAX;
  if (!isAllowed || !Number.isInteger(intervalMs)) {
    throw invalid(instance, `its interval is ${intervalMs} ms, allowed are 100ms to 1h`);
  }
  const entries = Object.entries(labels);
  if (entries.length > LABELS_MAX) throw invalid(instance, `more than ${LABELS_MAX} labels`);
  for (const [name, value] of entries) {
    if (!LABEL_NAME.test(name) || name === 'instance' || name.startsWith('__')) {
      throw invalid(instance, `${JSON.stringify(name)} cannot be the name of a target's label`);
    }
    if (Buffer.byteLength(value) > LABEL_VALUE_BYTES_MAX) {
      throw invalid(instance, `label ${name} is longer than ${LABEL_VALUE_BYTES_MAX} bytes`);
    }
  }
}

function targetOf(row: TargetRow): Target {
  return {
    id: BigInt(row.id),
    instance: row.instance,
    address: row.address,
    labels: row.labels,
    intervalMs: row.interval_ms,
  };
}

function invalid(instance: string, reason: string): RollcallError {
  return new RollcallError('target_invalid', `target ${JSON.stringify(instance)}: ${reason}`);
}
