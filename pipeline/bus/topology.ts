import { FLEET_NAME } from '../wire/control.ts';
import { RollcallError } from '../error.ts';

/** What JetStream holds for a fleet. Every name begins with the fleet's. */
export interface StreamSpec {
  readonly name: string;
  readonly subjects: readonly string[];
  readonly bytesMax: number;
  /** Keeps only the newest message of each subject. */
  readonly isCompacted: boolean;
  readonly description: string;
}

export interface TopologyOptions {
  readonly fleet: string;
  /** K: how many streams the frames are spread over, 1 to 64. */
  readonly lanes: number;
  readonly laneBytesMax: number;
  readonly logBytesMax: number;
}

/** One stream of frames. K is part of its name: another K is a new generation of streams. */
export interface Lane {
  /** Such as `4x0`: lane 0 of 4. */
  readonly id: string;
  readonly stream: string;
  readonly subject: string;
}

const STATE_BYTES_MAX = 256 * 1024 * 1024;
const CATALOGUES_BYTES_MAX = 512 * 1024 * 1024;
const PARKED_BYTES_MAX = 256 * 1024 * 1024;

/** The names of a fleet's streams and subjects. */
export class Topology {
  readonly fleet: string;
  readonly lanes: number;
  readonly #options: TopologyOptions;

  constructor(options: TopologyOptions) {
    if (!FLEET_NAME.test(options.fleet)) {
      throw new RollcallError('bad_fleet', `fleet ${JSON.stringify(options.fleet)} is not valid`);
    }
    this.fleet = options.fleet;
    this.lanes = options.lanes;
    this.#options = options;
  }

  lane(index: number, lanes = this.lanes): Lane {
    const id = `${lanes}x${index}`;
    return { id, stream: `${this.fleet}_lane_${id}`, subject: `${this.fleet}.lane.${id}` };
  }

  /** The lane a stream's name stands for, of any generation; undefined for other streams. */
  laneOfStream(stream: string): Lane | undefined {
    const match = /^(.+)_lane_(\d+)x(\d+)$/.exec(stream);
    if (match === null || match[1] !== this.fleet) return undefined;
    return this.lane(Number(match[3]), Number(match[2]));
  }

  /** Logs: every message counts, a subject's sequence is its fencing. */
  get logStream(): string {
    return `${this.fleet}_log`;
  }

  transitionsSubject(laneId: string): string {
    return `${this.fleet}.log.transitions.${laneId}`;
  }

  notificationsSubject(receiver: string): string {
    return `${this.fleet}.log.notifications.${receiver}`;
  }

  /** Compacted state: the newest message of a subject is its value. */
  get stateStream(): string {
    return `${this.fleet}_state`;
  }

  stateSubject(...path: readonly string[]): string {
    return [this.fleet, 'state', ...path].join('.');
  }

  get cataloguesStream(): string {
    return `${this.fleet}_catalogues`;
  }

  catalogueSubject(hashHex: string): string {
    return `${this.fleet}.catalogues.${hashHex}`;
  }

  /** Messages that nobody could make sense of, kept for a person to look at. */
  get parkedStream(): string {
    return `${this.fleet}_parked`;
  }

  parkedSubject(reason: string): string {
    return `${this.fleet}.parked.${reason}`;
  }

  /** Everything that must exist before the road is open. */
  streams(): StreamSpec[] {
    const { laneBytesMax, logBytesMax } = this.#options;
    const lanes = Array.from({ length: this.lanes }, (_, index) => this.lane(index));
    return [
      ...lanes.map((lane) => ({
        name: lane.stream,
        subjects: [lane.subject],
        bytesMax: laneBytesMax,
        isCompacted: false,
        description: 'Batches of frames and catalogues',
      })),
      {
        name: this.logStream,
        subjects: [`${this.fleet}.log.>`],
        bytesMax: logBytesMax,
        isCompacted: false,
        description: 'Alert transitions',
      },
      {
        name: this.stateStream,
        subjects: [`${this.fleet}.state.>`],
        bytesMax: STATE_BYTES_MAX,
        isCompacted: true,
        description: 'Targets, rules, owners, positions',
      },
      {
        name: this.cataloguesStream,
        subjects: [`${this.fleet}.catalogues.*`],
        bytesMax: CATALOGUES_BYTES_MAX,
        isCompacted: true,
        description: 'Catalogues by hash',
      },
      {
        name: this.parkedStream,
        subjects: [`${this.fleet}.parked.>`],
        bytesMax: PARKED_BYTES_MAX,
        isCompacted: false,
        description: 'Messages that could not be understood',
      },
    ];
  }
}
