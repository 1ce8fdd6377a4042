import { SeriesTable } from '../../agent/series-table.ts';
import { encodeCatalogueMessage } from '../../pipeline/wire/catalogue-message.ts';
import { catalogueHash, metricId } from '../../pipeline/wire/catalogue.ts';
import type { Catalogue, Label } from '../../pipeline/wire/catalogue.ts';
import { weightOfMetric } from '../recording/replay.ts';
import type { OwnSeries, Replay } from '../recording/replay.ts';
import { BREACHES } from './fleet-source.ts';
import { instanceOf } from './instance.ts';

const NOTHING = new Uint8Array(0);

/** What no two hosts have in common: their name, and the number of their machine. As long for each host. */
const nodename = (host: number): string => instanceOf(host);
const machineUuid = (host: number): string =>
  `00000000-0000-4000-8000-${String(host).padStart(12, '0')}`;
const OWN_TEXTS = [nodename, machineUuid] as const;

/**
 * The series of the standard profile whose labels name the host they come from: because of them every real host has
 * a catalogue of its own.
 */
export const OWN_SERIES: readonly OwnSeries[] = [
  {
    metric: {
      name: 'node_uname_info',
      kind: 'gauge',
      unit: '',
      help: 'The system as uname(2) describes it, in the labels; always 1.',
    },
    labelsOf: (host): Label[] => [
      ['domainname', '(none)'],
      ['machine', 'x86_64'],
      ['nodename', nodename(host)],
      ['release', '6.1.0-18-amd64'],
      ['sysname', 'Linux'],
      ['version', '#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)'],
    ],
  },
  {
    metric: {
      name: 'node_dmi_info',
      kind: 'gauge',
      unit: '',
      help: 'The machine as its firmware describes it, in the labels; always 1.',
    },
    labelsOf: (host): Label[] => [
      ['bios_vendor', 'SeaBIOS'],
      ['product_name', 'Standard PC'],
      ['product_uuid', machineUuid(host)],
      ['sys_vendor', 'QEMU'],
    ],
  },
];

/** A table that many agents read into, one after the other; each lends it its catalogue for the time. */
export class LentTable extends SeriesTable {
  lent: Catalogue | undefined;

  override catalogue(): Catalogue {
    return this.lent ?? super.catalogue();
  }
}

/** One host's catalogue, as little of it as must be kept. */
export interface HostCatalogue {
  /** For a frame store: the right hash, but without the bytes. */
  readonly named: Catalogue;
  /** What its own series weigh in a checksum. */
  readonly weights: Uint32Array;
}

/**
 * The catalogues of all hosts of a process. They have the same bytes but for `OWN_SERIES`, so that only a hash is
 * kept of each; 16 KB a host would be most of the simulated fleet's memory.
 */
export class HostCatalogues {
  readonly table: LentTable;
  readonly #replay: Replay;
  /** Host 0's. */
  readonly #payload: Buffer;
  /** Where each of `OWN_TEXTS` stands in it. */
  readonly #offsets: readonly number[];

  /** @param table all series of the replay have been declared in it */
  constructor(table: LentTable, replay: Replay) {
    this.table = table;
    this.#replay = replay;
    this.#payload = Buffer.from(table.catalogue().payload);
    this.#offsets = OWN_TEXTS.map((textOf) => this.#payload.indexOf(textOf(0)));
  }

  of(host: number): HostCatalogue {
    const hash = catalogueHash(this.#payloadOf(host));
    const ids = OWN_SERIES.map(({ metric, labelsOf }) => metricId(metric.name, labelsOf(host)));
    return {
      named: { hash, series: this.table.series, payload: NOTHING },
      weights: Uint32Array.from(ids, (id) => weightOfMetric(id)),
    };
  }

  /** Makes the shared table and the shared weights those of a host, until the next host comes. */
  lend({ named, weights }: HostCatalogue): void {
    this.table.lent = named;
    this.#replay.weights.set(weights, BREACHES.length);
  }

  /** The message of a host's catalogue, made anew: it is sent once a connection. */
  message(host: number, { named }: HostCatalogue): Buffer {
    return encodeCatalogueMessage({ ...named, payload: this.#payloadOf(host) });
  }

  #payloadOf(host: number): Buffer {
    const payload = Buffer.from(this.#payload);
    for (const [i, textOf] of OWN_TEXTS.entries()) payload.write(textOf(host), this.#offsets[i]!);
    return payload;
  }
}
