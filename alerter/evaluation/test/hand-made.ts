import type { Bus } from '../../../pipeline/bus/bus.ts';
import { BATCH_HEADER_BYTES, writeBatchHeader } from '../../../pipeline/wire/batch.ts';
import { encodeCatalogueMessage } from '../../../pipeline/wire/catalogue-message.ts';
import { encodeCatalogue } from '../../../pipeline/wire/catalogue.ts';
import type { Catalogue, Label } from '../../../pipeline/wire/catalogue.ts';
import * as frame from '../../../pipeline/wire/frame.ts';
import { highOf, lowOf } from '../../../pipeline/wire/id-map.ts';
import type { Target } from '../../../pipeline/targets/target.ts';
import { targetId } from '../../../pipeline/wire/shard.ts';
import { RuleSet } from '../rule-set.ts';

/** Parts of the road, made by hand for tests. */

export function target(instance: string, labels: Record<string, string> = {}): Target {
  const id = targetId(instance);
  return { id, instance, address: '127.0.0.1:1', labels, intervalMs: 5000 };
}

export function catalogue(...series: (readonly [name: string, ...labels: Label[]])[]): Catalogue {
  return encodeCatalogue(
    series.map(([name, ...labels]) => ({ name, labels, kind: 'gauge', unit: '', help: '' })),
  );
}

/** A stamped frame; undefined is an absent slot. */
export function frameOf(
  of: Target,
  seq: number,
  timestampMs: number,
  from: Catalogue,
  values: readonly (number | undefined)[],
  incarnation = 1n,
): Buffer {
  const slots = values.length;
  const presence = new Uint8Array(frame.presenceBytes(slots));
  values.forEach((value, i) => {
    if (value !== undefined) presence[i >> 3]! |= 1 << (i & 7);
  });
  const bytes = Buffer.alloc(frame.frameBytes(slots));
  const head = { incarnation, seq, timestampMs, catalogue: from.hash, slots };
  frame.writeFrame(
    bytes,
    0,
    head,
    presence,
    Float64Array.from(values, (value) => value ?? 0),
  );
  frame.stampTarget(bytes, 0, lowOf(of.id), highOf(of.id));
  return bytes;
}

export function batchOf(...messages: (Buffer | Catalogue)[]): Buffer {
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  writeBatchHeader(header, messages.length, 1n, Date.now());
  const bytes = messages.map((one) => (Buffer.isBuffer(one) ? one : encodeCatalogueMessage(one)));
  return Buffer.concat([header, ...bytes]);
}

/** A rule set of one group; each rule is its YAML lines. */
export function rules(...lines: readonly string[]): RuleSet {
  const text = ['groups:', '- name: g', '  rules:', ...lines.map((line) => `  ${line}`), ''];
  return RuleSet.fromFiles(new Map([['rules.yaml', text.join('\n')]]), (_file, problem) => {
    throw new Error(problem);
  });
}

/** A bus of which some methods are others. */
export function standIn(bus: Bus, methods: Partial<Bus>): Bus {
  return new Proxy(bus, {
    get(real, name) {
      if (name in methods) return methods[name as keyof Bus];
      const value: unknown = Reflect.get(real, name, real);
      return typeof value === 'function' ? (value.bind(real) as unknown) : value;
    },
  });
}
