import type { Metric, SeriesSink, Source, SourceFactory } from '../source.ts';
import { adjtimexPrograms } from './adjtimex-program.ts';
import { HelperProcess } from './helper-process.ts';
import { sourceFromParts, type SourcePart } from './source-parts.ts';

/** What adjtimex(2) returns while the clock is not synchronized (TIME_ERROR). */
const CLOCK_IS_OFF = 5;
/** The bit of `status` for an offset and a jitter in nanoseconds (STA_NANO). */
const NANOSECONDS = 0x2000;
const PER_SECOND_NANO = 1e9;
const PER_SECOND_MICRO = 1e6;
/** Frequencies are in millionths, with 16 bits behind the binary point. */
const FREQUENCY_UNIT = 1e6 * 65_536;
/** A question costs about 250 µs, of the program and of this process together. */
export const ASK_EVERY_MS = 59_000;
/** The last answer is shown until so many questions after it stayed without one. */
const UNANSWERED_MAX = 3;

/** Numbers of an answer by their place: the return value, then `struct timex`. */
const RETURNED = 0;
const STATUS = 6;
const NUMBERS = 22;

/** Gives a number in its base unit, which can depend on the `status` next to it. */
type Conversion = (number: number, status: number) => number;

const plain: Conversion = (number) => number;
const micro: Conversion = (number) => number / PER_SECOND_MICRO;
const fine: Conversion = (number, status) =>
  number / ((status & NANOSECONDS) === 0 ? PER_SECOND_MICRO : PER_SECOND_NANO);
const frequency: Conversion = (number) => number / FREQUENCY_UNIT;
const ratio: Conversion = (number) => 1 + number / FREQUENCY_UNIT;

interface Column {
  readonly metric: Metric;
  readonly place: number;
  readonly convert: Conversion;
}

function column(place: number, name: string, convert: Conversion, help: string): Column {
  const kind = name.endsWith('_total') ? 'counter' : 'gauge';
  const unit = /_(seconds|hertz|ratio)$/.exec(name)?.[1] ?? '';
  return { metric: { name: `node_timex_${name}`, kind, unit, help }, place, convert };
}

const COLUMNS: readonly Column[] = [
  column(2, 'offset_seconds', fine, 'How far the clock is from its reference.'),
  column(3, 'frequency_adjustment_ratio', ratio, 'Speed of the clock relative to its own.'),
  column(4, 'maxerror_seconds', micro, 'How wrong the clock is at most.'),
  column(5, 'estimated_error_seconds', micro, 'How wrong the clock is presumably.'),
  column(STATUS, 'status', plain, 'State of the clock (STA_PLL and so on), as a bit set.'),
  column(7, 'loop_time_constant', plain, 'How slowly the clock follows its reference.'),
  column(12, 'tick_seconds', micro, 'Time between two ticks of the clock.'),
  column(13, 'pps_frequency_hertz', frequency, 'Frequency of the pulse-per-second signal.'),
  column(14, 'pps_jitter_seconds', fine, 'Jitter of the pulse-per-second signal.'),
  column(15, 'pps_shift_seconds', plain, 'Interval between calibrations, as a power of two.'),
  column(16, 'pps_stability_hertz', frequency, 'Wander of the pulse-per-second signal.'),
  column(17, 'pps_jitter_total', plain, 'Pulses with too much jitter.'),
  column(18, 'pps_calibration_total', plain, 'Calibrations by the pulse-per-second signal.'),
  column(19, 'pps_error_total', plain, 'Calibrations that failed.'),
  column(20, 'pps_stability_exceeded_total', plain, 'Calibrations with too much wander.'),
  column(21, 'tai_offset_seconds', plain, 'How far atomic time (TAI) is ahead of UTC.'),
];
const SYNC_STATUS: Metric = {
  name: 'node_timex_sync_status',
  kind: 'gauge',
  unit: '',
  help: 'Whether the clock is synchronized to a reference.',
};

/** What is used of a HelperProcess. */
export type ClockHelper = Pick<HelperProcess, 'ask' | 'takeAnswer' | 'close'>;

/** The kernel's clock as adjtimex(2) describes it, asked once a minute. */
class KernelClock implements SourcePart {
  readonly #helper: ClockHelper;
  readonly #nowMs: () => number;
  #slots: Int32Array | undefined;
  /** By column, and the state of the synchronization. */
  readonly #values = new Float64Array(COLUMNS.length + 1);
  #known = false;
  #askedAtMs = -Infinity;
  #unanswered = 0;

  constructor(helper: ClockHelper, nowMs: () => number) {
    this.#helper = helper;
    this.#nowMs = nowMs;
  }

  read(sink: SeriesSink): void {
    const answer = this.#helper.takeAnswer();
    if (answer !== undefined) this.#understand(sink, answer);
    const nowMs = this.#nowMs();
    if (nowMs - this.#askedAtMs >= ASK_EVERY_MS) {
      this.#askedAtMs = nowMs;
      this.#unanswered++;
      this.#helper.ask('');
    }
    if (this.#known && this.#unanswered <= UNANSWERED_MAX) this.#set(sink);
  }

  close(): void {
    this.#helper.close();
  }

  #understand(sink: SeriesSink, answer: string): void {
    const numbers = answer.split(' ').map(Number);
    this.#unanswered = 0;
    this.#known = numbers.length === NUMBERS && numbers.every(Number.isInteger);
    if (!this.#known) {
      sink.malformed('timex', `not what adjtimex says: ${answer.slice(0, 80)}`);
      return;
    }
    // The call is not allowed here, or not known.
    if (numbers[RETURNED]! < 0) this.#known = false;
    COLUMNS.forEach(({ place, convert }, i) => {
      this.#values[i] = convert(numbers[place]!, numbers[STATUS]!);
    });
    this.#values[COLUMNS.length] = numbers[RETURNED] === CLOCK_IS_OFF ? 0 : 1;
  }

  #set(sink: SeriesSink): void {
    this.#slots ??= Int32Array.from(
      [...COLUMNS.map(({ metric }) => metric), SYNC_STATUS],
      (metric) => sink.declare(metric),
    );
    for (let i = 0; i < this.#slots.length; i++) sink.set(this.#slots[i]!, this.#values[i]!);
  }
}

/** The clock that a helper describes. */
export function timexSourceOf(helper: ClockHelper, nowMs = () => performance.now()): Source {
  return sourceFromParts('timex', [new KernelClock(helper, nowMs)]);
}

/** The kernel's clock, asked by a helper program. Where there is none, there are no series. */
export const timexSource: SourceFactory = () =>
  timexSourceOf(new HelperProcess(adjtimexPrograms(process.arch)));
