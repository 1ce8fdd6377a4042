import type { FilesystemCounts } from './statfs-child.ts';

/** An answer is awaited for so long before the mount point counts as failed. */
export const ANSWER_MS_MAX = 4_000;
/** An answer is shown for so long if there was no turn to ask again, and for two readings. */
export const ANSWER_AGE_MS_MAX = 120_000;
const ANSWER_AGE_TICKS_MAX = 2;
/** A child process is started for a filesystem no more often than that. */
export const CHILD_PAUSE_MS = 30_000;
/** The same for one that did not answer in time. */
export const LATE_PAUSE_MS = 60_000;

/** What to expect of asking: an answer from memory, one in time, or maybe none at all. */
export type FilesystemKind = 'memory' | 'local' | 'remote';

export type AnswerState = 'none' | 'sized' | 'failed';

/** What is known of the filesystem at one path. */
export class FilesystemSize {
  readonly path: string;
  /** Whether to expect that asking hangs. */
  remote = false;
  /** The same for a path that leads through such a filesystem. */
  needsChild = false;
  /** Whether not all that is mounted here answers from memory. */
  unsure = false;
  /** Whether it may be asked at once. */
  direct = false;
  /** Valid while `stateAt` is `sized`. */
  sizeBytes = 0;
  freeBytes = 0;
  availableBytes = 0;
  files = 0;
  filesFree = 0;
  /** The tick in which the path was last mounted. */
  tick = 0;
  /** The tick in which it was last asked at once. */
  askedTick = 0;
  waiting = false;
  called = false;
  /** Whether the call that is under way is made in a thread of this process. */
  inThread = false;
  /** Whether the last call took, or takes, longer than it may. */
  late = false;
  /** Whether a call that should have been answered from memory was not. */
  slow = false;
  calledAtMs = -Infinity;
  #answer: AnswerState = 'none';
  #answeredAtMs = 0;
  #answeredTick = 0;
  #ignoreCall = false;
  readonly #slots: number[] = [];

  constructor(path: string) {
    this.path = path;
  }

  isOverdue(nowMs: number): boolean {
    return this.called && nowMs - this.calledAtMs > ANSWER_MS_MAX;
  }

  /** Whether it is time to ask. */
  isDue(nowMs: number, byChild: boolean): boolean {
    if (this.called || this.waiting) return false;
    const pauseMs = this.late ? LATE_PAUSE_MS : CHILD_PAUSE_MS;
    return !byChild || nowMs - this.calledAtMs >= pauseMs;
  }

  stateAt(nowMs: number): AnswerState {
    if (this.isOverdue(nowMs)) return 'failed';
    const isOld = nowMs - this.#answeredAtMs > ANSWER_AGE_MS_MAX;
    return isOld && this.tick - this.#answeredTick > ANSWER_AGE_TICKS_MAX ? 'none' : this.#answer;
  }

  /** Names the path as mounted in a tick; where filesystems are stacked, once for each. */
  mount(tick: number, kind: FilesystemKind): void {
    if (this.tick !== tick) {
      this.#slots.length = 0;
      this.remote = false;
      this.unsure = false;
    }
    this.tick = tick;
    if (kind === 'remote') this.remote = true;
    if (kind !== 'memory') this.unsure = true;
  }

  /** False if the series at this slot was shown in this tick already. */
  show(slot: number): boolean {
    if (slot < 0) return true;
    if (this.#slots.includes(slot)) return false;
    this.#slots.push(slot);
    return true;
  }

  /** Another filesystem is mounted here now: what is known, or being asked, is of the old one. */
  forget(): void {
    this.late = false;
    this.slow = false;
    this.#answer = 'none';
    this.#ignoreCall = this.called;
    if (!this.called) this.calledAtMs = -Infinity;
  }

  begin(nowMs: number, inThread: boolean): void {
    this.waiting = false;
    this.called = true;
    this.calledAtMs = nowMs;
    this.inThread = inThread;
    this.#ignoreCall = false;
  }

  /** The call is over, with null if it failed. */
  settle(answer: FilesystemCounts | null, nowMs: number): void {
    this.called = false;
    if (this.#ignoreCall) {
      this.calledAtMs = -Infinity;
      this.late = false;
      return;
    }
    this.#answer = answer === null ? 'failed' : 'sized';
    this.#answeredAtMs = nowMs;
    this.#answeredTick = this.tick;
    if (answer === null) return;
    this.late = false;
    this.sizeBytes = answer.blocks * answer.bsize;
    this.freeBytes = answer.bfree * answer.bsize;
    this.availableBytes = answer.bavail * answer.bsize;
    this.files = answer.files;
    this.filesFree = answer.ffree;
  }
}
