import { pack } from '../../pipeline/wire/msgpack.ts';
import { encodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { catalogueHash, decodeCatalogue } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue, SeriesInfo } from '../../pipeline/wire/catalogue.ts';
import * as frame from '../../pipeline/wire/frame.ts';
import { highOf, lowOf } from '../../pipeline/wire/id-map.ts';
import { writeSafeU64 } from '../../pipeline/wire/message.ts';
import type { Target } from '../../pipeline/targets/target.ts';
import { targetId } from '../../pipeline/wire/shard.ts';
import { SeriesTable } from '../../agent/series-table.ts';
import { instanceOf } from '../fleet/fleet.ts';
import { BREACHES } from '../fleet/fleet-source.ts';
import { RecordedSource } from '../recording/recorded-source.ts';
import { Replay } from '../recording/replay.ts';
import { standardRecording } from '../recording/standard-recording.ts';

export interface RecordedHostsOptions {
  readonly hosts: number;
  /** Of each host. */
  readonly series: number;
  readonly intervalMs: number;
  /** Whether each has `node_uname_info` with its own name, and so a catalogue of its own, as real ones have. */
  readonly haveOwnCatalogues: boolean;
}

/** Where a SAMPLES message has what changes from tick to tick (docs/protocol.md). */
const SEQ_AT = 24;
const TIMESTAMP_AT = 32;
/** Hosts have one of so many rows of values; so few fit any cache, but so do thousands of real ones not. */
const ROWS = 64;
const INCARNATION = 1n;

/**
 * Hosts that say what a recording holds: their catalogues and frames as the collector puts them on a lane. A frame's
 * values stay the same; its number and time are written when it is asked for.
 */
export class RecordedHosts {
  readonly targets: readonly Target[];
  readonly #frames: readonly Buffer[];
  readonly #nextSeq: Float64Array;
  readonly #template: Buffer;
  readonly #nameAt: number;
  readonly #breachAt: number;

  constructor({ hosts, series, intervalMs, haveOwnCatalogues }: RecordedHostsOptions) {
    const rows = rowsOf(series);
    const infos = [...rows.series.slice(0, -1), uname(instanceOf(0))];
    this.#template = Buffer.from(pack(rowsToPack(infos)));
    this.#nameAt = haveOwnCatalogues ? this.#template.indexOf(instanceOf(0)) : -1;
    this.#breachAt =
      frame.valuesAt(series) + 8 * infos.findIndex(({ name }) => name === BREACHES[0]);
    this.#nextSeq = new Float64Array(hosts).fill(1);
    this.targets = Array.from({ length: hosts }, (_, index) => targetOf(index, intervalMs));
    this.#frames = this.targets.map(({ id }, index) => {
      const head = {
        incarnation: INCARNATION,
        seq: 0,
        timestampMs: 0,
        catalogue: catalogueHash(this.#payload(index)),
        slots: series,
      };
      const bytes = Buffer.alloc(frame.frameBytes(series));
      const { presence, values } = rows;
      frame.writeFrame(bytes, 0, head, presence, values[index % ROWS]!);
      frame.stampTarget(bytes, 0, lowOf(id), highOf(id));
      return bytes;
    });
  }

  /** The next frame of a host; good until the next is asked for. */
  frame(index: number, timestampMs: number): Buffer {
    const bytes = this.#frames[index]!;
    writeSafeU64(bytes, SEQ_AT, this.#nextSeq[index]!);
    this.#nextSeq[index]! += 1;
    writeSafeU64(bytes, TIMESTAMP_AT, timestampMs);
    return bytes;
  }

  /** Begins or ends the breach of a host, from its next frame on. */
  breach(index: number, isOn: boolean): void {
    this.#frames[index]!.writeDoubleLE(isOn ? 1 : 0, this.#breachAt);
  }

  isFirst(index: number): boolean {
    return this.#nextSeq[index] === 1;
  }

  catalogue(index: number): Catalogue {
    return decodeCatalogue(this.#payload(index));
  }

  /** The CATALOGUE message that a host's first frame needs. */
  catalogueMessage(index: number): Buffer {
    const payload = this.#payload(index);
    return encodeCatalogueMessage({ hash: catalogueHash(payload), series: [], payload });
  }

  #payload(index: number): Uint8Array {
    const payload = Uint8Array.from(this.#template);
    if (this.#nameAt >= 0) payload.set(Buffer.from(instanceOf(index)), this.#nameAt);
    return payload;
  }
}

function targetOf(index: number, intervalMs: number): Target {
  const instance = instanceOf(index);
  const labels = { job: 'sim', rack: String(index % 50) };
  return { id: targetId(instance), instance, address: '127.0.0.1:1', labels, intervalMs };
}

/** What agents of the recording have in their tables, for a number of ticks. */
function rowsOf(series: number): {
  series: readonly SeriesInfo[];
  presence: Uint8Array;
  values: Float64Array[];
} {
  const replay = new Replay(standardRecording(), series);
  const table = new SeriesTable({ seriesMax: series });
  table.reading = 'recorded';
  const values: Float64Array[] = [];
  for (let seed = 0; seed < ROWS; seed += 1) {
    table.clear();
    new RecordedSource(replay, seed).read(table);
    values.push(table.values.slice());
  }
  return { series: [...table.series], presence: table.presence.slice(), values };
}

function uname(nodename: string): SeriesInfo {
  const labels = [
    ['domainname', '(none)'],
    ['machine', 'x86_64'],
    ['nodename', nodename],
    ['sysname', 'Linux'],
  ] as const;
  return {
    name: 'node_uname_info',
    labels,
    kind: 'gauge',
    unit: '',
    help: 'Labeled system information as provided by the uname system call.',
  };
}

function rowsToPack(infos: readonly SeriesInfo[]): unknown[] {
  return infos.map(({ name, labels, kind, unit, help }) => [
    name,
    labels.flat(),
    kind === 'counter' ? 1 : 2,
    unit,
    help,
  ]);
}
