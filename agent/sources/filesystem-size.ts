import type { StatsFs } from 'node:fs';

/** `fs.promises.statfs`, which waits in a thread of Node's pool until the filesystem answers. */
export type Statfs = (path: string) => Promise<StatsFs>;

/** An answer is awaited for so long before the mount point counts as failed. */
export const ANSWER_MS_MAX = 4_000;
/** An answer is shown for so long if there was no turn to ask again. */
export const ANSWER_AGE_MS_MAX = 60_000;
/** Calls to filesystems that may hang, at once. Node's pool has 4 threads for everything. */
export const REMOTE_CALLS_MAX = 2;
/** Calls to all others, at once. They are answered from memory. */
export const LOCAL_CALLS_MAX = 1;

export type AnswerState = 'none' | 'sized' | 'failed';

/** What is known of the filesystem at one path. */
export class FilesystemSize {
  readonly path: string;
  remote: boolean;
  /** Valid while `stateAt` is `sized`. */
  sizeBytes = 0;
  freeBytes = 0;
  availableBytes = 0;
  files = 0;
  filesFree = 0;
  /** The tick in which the path was last mounted. */
  tick = 0;
  waiting = false;
  /** When the call that is under way began, or -1. */
  calledAtMs = -1;
  #answer: AnswerState = 'none';
  #answeredAtMs = 0;
  #ignoreCall = false;

  constructor(path: string, remote: boolean) {
    this.path = path;
    this.remote = remote;
  }

  get called(): boolean {
    return this.calledAtMs !== -1;
  }

  isOverdue(nowMs: number): boolean {
    return this.called && nowMs - this.calledAtMs > ANSWER_MS_MAX;
  }

  stateAt(nowMs: number): AnswerState {
    if (this.isOverdue(nowMs)) return 'failed';
    return nowMs - this.#answeredAtMs > ANSWER_AGE_MS_MAX ? 'none' : this.#answer;
  }

  /** Another filesystem is mounted here now: what is known, or being asked, is of the old one. */
  forget(remote: boolean): void {
    this.remote = remote;
    this.#answer = 'none';
    this.#ignoreCall = this.called;
  }

  begin(nowMs: number): void {
    this.calledAtMs = nowMs;
    this.#ignoreCall = false;
  }

  /** The call is over, with null if it failed. */
  settle(answer: StatsFs | null, nowMs: number): void {
    this.calledAtMs = -1;
    if (this.#ignoreCall) return;
    this.#answer = answer === null ? 'failed' : 'sized';
    this.#answeredAtMs = nowMs;
    if (answer === null) return;
    this.sizeBytes = answer.blocks * answer.bsize;
    this.freeBytes = answer.bfree * answer.bsize;
    this.availableBytes = answer.bavail * answer.bsize;
    this.files = answer.files;
    this.filesFree = answer.ffree;
  }
}

/**
 * Asks for the sizes of filesystems in the background, where a dead server or disk can hold a
 * call, and the thread it waits in, for ever. Hence there is at most one call a path, and few at
 * once: two for filesystems that may hang, one for the others. Two dead remote mounts thus stop
 * the questions to remote filesystems, but neither those to local ones nor the other users of
 * Node's thread pool. A local filesystem that is overdue takes one of the two places until it
 * answers, and if there is none left, nothing more is asked: at worst three threads are held.
 *
 *     ask() ──► waiting (in order, each path once) ──► called ──► settle(): shown at the next tick
 */
export class FilesystemSizes {
  readonly #statfs: Statfs;
  readonly #nowMs: () => number;
  readonly #byPath = new Map<string, FilesystemSize>();
  #waiting: FilesystemSize[] = [];
  readonly #called = new Set<FilesystemSize>();
  #tick = 0;
  #mounted = 0;
  #closed = false;
  #remoteCalls = 0;
  #localCalls = 0;
  #localOverdue = 0;

  constructor(statfs: Statfs, nowMs: () => number) {
    this.#statfs = statfs;
    this.#nowMs = nowMs;
  }

  /** Begins a tick, in which every mounted path is to be named by `at`. */
  beginTick(): void {
    this.#tick++;
    this.#mounted = 0;
  }

  /** What is known of a path. `changed` tells that its filesystem was not there before. */
  at(path: string, remote: boolean, changed: boolean): FilesystemSize {
    let size = this.#byPath.get(path);
    if (size === undefined) {
      size = new FilesystemSize(path, remote);
      this.#byPath.set(path, size);
    } else if (changed) {
      size.forget(remote);
    }
    if (size.tick !== this.#tick) this.#mounted++;
    size.tick = this.#tick;
    return size;
  }

  /** Ends a tick: forgets paths that are no longer mounted and asks for the others. */
  endTick(): void {
    if (this.#byPath.size > this.#mounted) this.#forgetUnmounted();
    for (const size of this.#byPath.values()) {
      if (size.waiting || size.called || size.tick !== this.#tick) continue;
      size.waiting = true;
      this.#waiting.push(size);
    }
    this.#callNext();
  }

  /** Calls that are under way cannot be cancelled; their answers are ignored. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#byPath.clear();
  }

  #callNext(): void {
    if (this.#closed || this.#waiting.length === 0) return;
    const nowMs = this.#nowMs();
    this.#count(nowMs);
    let kept = 0;
    for (const size of this.#waiting) {
      if (this.#mayCall(size)) {
        this.#call(size, nowMs);
        this.#count(nowMs);
      } else {
        this.#waiting[kept++] = size;
      }
    }
    this.#waiting.length = kept;
  }

  #count(nowMs: number): void {
    this.#remoteCalls = 0;
    this.#localCalls = 0;
    this.#localOverdue = 0;
    for (const size of this.#called) {
      if (size.remote) this.#remoteCalls++;
      else if (size.isOverdue(nowMs)) this.#localOverdue++;
      else this.#localCalls++;
    }
  }

  #mayCall(size: FilesystemSize): boolean {
    const placesLeft = this.#remoteCalls + this.#localOverdue < REMOTE_CALLS_MAX;
    if (size.remote) return placesLeft;
    return this.#localCalls < LOCAL_CALLS_MAX && (this.#localOverdue === 0 || placesLeft);
  }

  #call(size: FilesystemSize, nowMs: number): void {
    size.waiting = false;
    size.begin(nowMs);
    this.#called.add(size);
    this.#statfs(size.path).then(
      (answer) => this.#settle(size, answer),
      () => this.#settle(size, null),
    );
  }

  #settle(size: FilesystemSize, answer: StatsFs | null): void {
    size.settle(answer, this.#nowMs());
    this.#called.delete(size);
    this.#callNext();
  }

  /** A path whose call is still under way stays known, so that it is not called twice. */
  #forgetUnmounted(): void {
    for (const [path, size] of this.#byPath) {
      if (size.tick !== this.#tick && !size.called) this.#byPath.delete(path);
    }
    this.#waiting = this.#waiting.filter(({ tick }) => tick === this.#tick);
  }
}
