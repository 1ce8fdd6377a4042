import type { Label } from '../../pipeline/wire/catalogue.ts';
import type { Metric, SeriesSink } from '../source.ts';
import { textLabel } from './attribute-text.ts';
import { SELDOM_READS } from './kernel-file.ts';
import { declareRow } from './series-row.ts';
import type { SourcePart } from './source-parts.ts';
import { readAttributeNumber, SysfsAttribute } from './sysfs-attribute.ts';

const BYTES_PER_MEGABIT = 1_000_000 / 8;
/** Between full readings while nothing happens: five minutes at 5 s. */
export const QUIET_READS = 5 * SELDOM_READS;
const UNDECLARED = -2;
const NOT_WANTED = -1;

interface Column {
  readonly file: string;
  readonly metric: Metric;
  readonly multiplier: number;
}

function column(file: string, name: string, help: string, multiplier = 1): Column {
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  const unit = name.endsWith('_bytes') ? 'bytes' : '';
  return { file, metric: { name: `node_network_${name}`, kind, unit, help }, multiplier };
}

/** The first three are read at every tick. */
const COLUMNS: readonly Column[] = [
  column('operstate', 'up', 'Whether a network device is operationally up.'),
  column('flags', 'flags', 'Flags of a network device (IFF_UP and so on), as a bit set.'),
  column('carrier_changes', 'carrier_changes_total', 'Times that the carrier came or went.'),
  column('carrier', 'carrier', 'Whether a network device has a carrier.'),
  column('carrier_up_count', 'carrier_up_changes_total', 'Times that the carrier came.'),
  column('carrier_down_count', 'carrier_down_changes_total', 'Times that the carrier went.'),
  column('dormant', 'dormant', 'Whether a network device waits, say for an authentication.'),
  column('speed', 'speed_bytes', 'Speed of a network device a second.', BYTES_PER_MEGABIT),
  column('mtu', 'mtu_bytes', 'Largest packet that a network device sends.'),
  column('tx_queue_len', 'transmit_queue_length', 'Packets that fit into the send queue.'),
  column('addr_assign_type', 'address_assign_type', 'Where the hardware address comes from.'),
  column('name_assign_type', 'name_assign_type', 'Where the name of a device comes from.'),
  column('dev_id', 'device_id', 'Number of a device among those that share an address.'),
  column('ifindex', 'iface_id', 'Index of a network device.'),
  column('iflink', 'iface_link', 'Index of the network device below a device.'),
  column('link_mode', 'iface_link_mode', 'Whether a device waits for user space to come up.'),
  column('netdev_group', 'net_dev_group', 'Group that a network device belongs to.'),
  column('type', 'protocol_type', 'Hardware type of a network device (ARPHRD_ETHER and so on).'),
];
const UP = 0;
const FLAGS = 1;
const CARRIER_CHANGES = 2;
const SELDOM_COLUMNS = 3;

const INFO: Metric = {
  name: 'node_network_info',
  kind: 'gauge',
  unit: '',
  help: 'What else is known of a network device, in the labels; always 1.',
};
/** The labels of `INFO` besides the state are named as their attributes. */
const INFO_LABELS = ['address', 'broadcast', 'duplex', 'ifalias'] as const;

/**
 * The attributes of one network device. At every tick only those are read that show whether
 * something happened to its link. Each of the others costs an opening, and some a question to the
 * driver: they are read when something happened, once more soon after, and seldom from then on.
 */
export class NetworkDevice implements SourcePart {
  readonly #directory: string;
  readonly #device: string;
  readonly #labels: readonly Label[];
  readonly #operstate: SysfsAttribute;
  readonly #flags: SysfsAttribute;
  readonly #carrierChanges: SysfsAttribute;
  #state: string | undefined;
  /** By column; NaN is absent. */
  readonly #values = new Float64Array(COLUMNS.length).fill(NaN);
  readonly #slots = new Int32Array(COLUMNS.length).fill(UNDECLARED);
  #infoSlot = UNDECLARED;
  #readsToRefresh = 0;
  /** How soon the next event is followed by another full reading. */
  #soonReads: number;

  /**
   * The first full reading is followed by another after `soonReads` reads. If these differ between
   * devices, not all of them are read in full in the same tick.
   */
  constructor(directory: string, device: string, soonReads: number) {
    this.#directory = directory;
    this.#device = device;
    this.#labels = [['device', device]];
    this.#operstate = new SysfsAttribute(`${directory}/operstate`);
    this.#flags = new SysfsAttribute(`${directory}/flags`);
    this.#carrierChanges = new SysfsAttribute(`${directory}/carrier_changes`);
    this.#soonReads = soonReads;
  }

  read(sink: SeriesSink): void {
    const happened = this.#readLink(sink);
    if (happened === undefined) {
      // What comes back may be another device.
      this.#state = undefined;
      this.close();
      return;
    }
    if (happened) {
      this.#readsToRefresh = this.#soonReads;
      this.#soonReads = SELDOM_READS;
      this.#refresh(sink);
    } else if (this.#readsToRefresh === 0) {
      this.#readsToRefresh = QUIET_READS;
      this.#refresh(sink);
    }
    this.#readsToRefresh--;
    this.#set(sink);
  }

  close(): void {
    this.#operstate.close();
    this.#flags.close();
    this.#carrierChanges.close();
  }

  /** Whether the link is another than at the last reading; undefined if the device is gone. */
  #readLink(sink: SeriesSink): boolean | undefined {
    const state = this.#operstate.text();
    if (state === undefined) return undefined;
    let happened = state !== this.#state;
    this.#state = state;
    this.#values[UP] = state === 'up' ? 1 : 0;
    if (this.#update(sink, FLAGS, this.#flags.number())) happened = true;
    if (this.#update(sink, CARRIER_CHANGES, this.#carrierChanges.number())) happened = true;
    return happened;
  }

  #update(sink: SeriesSink, index: number, number: number | undefined): boolean {
    const { file, multiplier } = COLUMNS[index]!;
    if (number !== undefined && Number.isNaN(number)) {
      sink.malformed('netclass', `no number in ${this.#directory}/${file}`);
    }
    const value = (number ?? NaN) * multiplier;
    if (Object.is(this.#values[index], value)) return false;
    this.#values[index] = value;
    return true;
  }

  #refresh(sink: SeriesSink): void {
    for (let i = SELDOM_COLUMNS; i < COLUMNS.length; i++) {
      if (this.#slots[i] === NOT_WANTED) continue;
      this.#update(sink, i, readAttributeNumber(`${this.#directory}/${COLUMNS[i]!.file}`));
    }
    if (this.#infoSlot === NOT_WANTED) return;
    const labels: Label[] = [
      ['device', this.#device],
      ['operstate', this.#state ?? ''],
    ];
    for (const file of INFO_LABELS) {
      labels.push(textLabel(file, `${this.#directory}/${file}`));
    }
    this.#infoSlot = declareRow(sink, 'netclass', [INFO], labels)?.[0] ?? UNDECLARED;
  }

  #set(sink: SeriesSink): void {
    for (let i = 0; i < COLUMNS.length; i++) {
      const value = this.#values[i]!;
      if (Number.isNaN(value)) continue;
      if (this.#slots[i] === UNDECLARED) {
        this.#slots[i] = sink.declare(COLUMNS[i]!.metric, this.#labels);
      }
      if (this.#slots[i] !== NOT_WANTED) sink.set(this.#slots[i]!, value);
    }
    if (this.#infoSlot >= 0) sink.set(this.#infoSlot, 1);
  }
}
