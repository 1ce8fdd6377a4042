import { FilesystemSize, type FilesystemKind } from './filesystem-size.ts';
import type { FilesystemCounts, Statfs } from './statfs-child.ts';

/** Calls in threads of this process at once. They are answered from memory. */
export const THREAD_CALLS_MAX = 1;
/** Calls in child processes at once that are not late yet. */
export const CHILD_CALLS_MAX = 4;
/** Child processes that the kernel does not let go; with more, no filesystem is asked by a child. */
export const CHILD_CALLS_LATE_MAX = 64;
/** A call in a thread that takes longer is not waited for when the process ends. */
const EXIT_WAIT_MS = 1_000;

/** A call that is answered from memory takes 5 µs; after one that took longer there is no other. */
const DIRECT_MS_MAX = 20;

export interface FilesystemQuestions {
  /** Asks and waits; only for filesystems that answer from memory. */
  readonly directly?: ((path: string) => FilesystemCounts) | undefined;
  /** Asks in a thread of Node's pool. */
  readonly inThread: Statfs;
  /** Asks in a process that is killed if it takes too long. */
  readonly byChild: Statfs;
  readonly nowMs: () => number;
}

/**
 * Asks for the sizes of filesystems in the background. A dead server, daemon or disk can hold
 * statfs(2), and the thread that waits in it, for ever; and a process whose thread pool is held
 * cannot even exit. Hence remote filesystems, which do hang, are only asked by child processes.
 * Those that answer from memory are asked at once, which costs a tenth. Other local ones are asked
 * in a thread, one at a time; should one of them hang, that thread is lost
 * and all others are asked by children until it answers. No path has two calls at once.
 *
 *     ask() ──► waiting (in order, each path once) ──► called ──► settle(): shown at the next tick
 */
export class FilesystemSizes {
  /** Calls that took longer than they may. */
  lateTotal = 0;
  /** Mounted filesystems whose last call did. */
  late = 0;
  readonly #questions: FilesystemQuestions;
  readonly #byPath = new Map<string, FilesystemSize>();
  #waiting: FilesystemSize[] = [];
  readonly #called = new Set<FilesystemSize>();
  #tick = 0;
  #mounted = 0;
  #mountsChanged = false;
  #closed = false;
  #threadCalls = 0;
  #threadCallsLate = 0;
  #childCalls = 0;
  #childCallsLate = 0;

  constructor(questions: FilesystemQuestions) {
    this.#questions = questions;
  }

  /** Begins a tick, in which every mounted path is to be named by `at`. */
  beginTick(): void {
    this.#tick++;
    this.#mounted = 0;
  }

  /** What is known of a path. `changed` tells that its filesystem was not there before. */
  at(path: string, kind: FilesystemKind, changed: boolean): FilesystemSize {
    let size = this.#byPath.get(path);
    if (size === undefined) {
      size = new FilesystemSize(path);
      this.#byPath.set(path, size);
    } else if (changed) {
      size.forget();
    }
    if (changed) this.#mountsChanged = true;
    const isFirst = size.tick !== this.#tick;
    if (isFirst) this.#mounted++;
    size.mount(this.#tick, kind);
    // Where a mount is new, what it lies below is found out first.
    if (isFirst && !this.#mountsChanged) this.#askDirectly(size);
    return size;
  }

  /** Ends a tick: forgets paths that are no longer mounted and asks for the others. */
  endTick(): void {
    const nowMs = this.#questions.nowMs();
    if (this.#byPath.size > this.#mounted) this.#forgetUnmounted();
    if (this.#mountsChanged) this.#findRemotePaths();
    this.#count(nowMs);
    this.late = 0;
    for (const size of this.#byPath.values()) {
      if (size.tick !== this.#tick) continue;
      if (size.askedTick !== this.#tick) this.#askDirectly(size);
      if (size.askedTick === this.#tick) continue;
      if (size.late) this.late++;
      if (!size.isDue(nowMs, this.#needsChild(size))) continue;
      size.waiting = true;
      this.#waiting.push(size);
    }
    this.#callNext(nowMs);
  }

  /** Answers that are still under way are ignored. */
  close(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#byPath.clear();
    if (this.#holdsThread()) process.once('exit', this.#endProcess);
  }

  #askDirectly(size: FilesystemSize): void {
    const { directly, nowMs } = this.#questions;
    if (directly === undefined || !size.direct || size.slow || size.called) return;
    const startMs = nowMs();
    size.askedTick = this.#tick;
    size.waiting = false;
    let answer: FilesystemCounts | null = null;
    try {
      answer = directly(size.path);
    } catch {
      // It counts as failed.
    }
    const endMs = nowMs();
    size.settle(answer, endMs);
    size.slow = endMs - startMs > DIRECT_MS_MAX;
  }

  #callNext(nowMs: number): void {
    if (this.#closed || this.#waiting.length === 0) return;
    let kept = 0;
    for (const size of this.#waiting) {
      if (this.#mayCall(size)) this.#call(size, nowMs);
      else this.#waiting[kept++] = size;
    }
    this.#waiting.length = kept;
  }

  /** Counts the calls that are under way, and those that just became late. */
  #count(nowMs: number): void {
    this.#threadCalls = 0;
    this.#threadCallsLate = 0;
    this.#childCalls = 0;
    this.#childCallsLate = 0;
    for (const size of this.#called) {
      this.#noteLate(size, nowMs);
      const late = size.isOverdue(nowMs);
      if (size.inThread) {
        if (late) this.#threadCallsLate++;
        else this.#threadCalls++;
      } else if (late) this.#childCallsLate++;
      else this.#childCalls++;
    }
  }

  #noteLate(size: FilesystemSize, nowMs: number): void {
    if (size.late || !size.isOverdue(nowMs)) return;
    size.late = true;
    this.lateTotal++;
  }

  #needsChild(size: FilesystemSize): boolean {
    return size.needsChild || this.#threadCallsLate > 0;
  }

  #mayCall(size: FilesystemSize): boolean {
    if (!this.#needsChild(size)) return this.#threadCalls < THREAD_CALLS_MAX;
    return this.#childCalls < CHILD_CALLS_MAX && this.#childCallsLate < CHILD_CALLS_LATE_MAX;
  }

  #call(size: FilesystemSize, nowMs: number): void {
    const inThread = !this.#needsChild(size);
    if (inThread) this.#threadCalls++;
    else this.#childCalls++;
    size.begin(nowMs, inThread);
    this.#called.add(size);
    const { inThread: askInThread, byChild } = this.#questions;
    (inThread ? askInThread : byChild)(size.path).then(
      (answer) => this.#settle(size, answer),
      () => this.#settle(size, null),
    );
  }

  #settle(size: FilesystemSize, answer: FilesystemCounts | null): void {
    const nowMs = this.#questions.nowMs();
    this.#noteLate(size, nowMs);
    size.settle(answer, nowMs);
    this.#called.delete(size);
    if (this.#closed && !this.#holdsThread()) process.off('exit', this.#endProcess);
    this.#count(nowMs);
    this.#callNext(nowMs);
  }

  /** A path whose call is still under way stays known, so that it is not called twice. */
  #forgetUnmounted(): void {
    for (const [path, size] of this.#byPath) {
      if (size.tick !== this.#tick && !size.called) this.#byPath.delete(path);
    }
    this.#waiting = this.#waiting.filter(({ tick }) => tick === this.#tick);
    this.#mountsChanged = true;
  }

  /** The way to what is mounted below a remote filesystem can hang as well. */
  #findRemotePaths(): void {
    this.#mountsChanged = false;
    const sizes = [...this.#byPath.values()];
    const above = sizes
      .filter(({ remote, path }) => remote && path !== '/')
      .map(({ path }) => `${path}/`);
    for (const size of sizes) {
      size.needsChild = size.remote || above.some((path) => size.path.startsWith(path));
      size.direct = !size.unsure && !size.needsChild;
    }
  }

  #holdsThread(): boolean {
    for (const { inThread } of this.#called) {
      if (inThread) return true;
    }
    return false;
  }

  /**
   * exit(3) waits for the threads of the pool, so one that hangs would hold the process. Only a
   * signal that is not handled ends it then; this is the one that service managers take for a
   * proper end.
   */
  readonly #endProcess = (): void => {
    const nowMs = this.#questions.nowMs();
    for (const { inThread, calledAtMs } of this.#called) {
      if (!inThread || nowMs - calledAtMs < EXIT_WAIT_MS) continue;
      process.removeAllListeners('SIGTERM');
      process.kill(process.pid, 'SIGTERM');
    }
  };
}
