import { statfs } from 'node:fs/promises';
import { ANSWER_MS_MAX } from './filesystem-size.ts';
import { StatfsChildren, type FilesystemCounts } from './statfs-child.ts';

/** A child is killed when its answer is late anyway. */
const CHILD_MS_MAX = ANSWER_MS_MAX + 500;
/** Threads of Node's pool of 4 that may be held. */
const THREADS_HELD_MAX = 2;

/**
 * What is under way in this process. A call that hangs outlives the source that made it, and the
 * source that follows must not add to it.
 */
let threadCalls = 0;
const childCalls = new Map<string, Promise<FilesystemCounts>>();

/** Asks the kernel for the sizes of filesystems. */
export class SystemStatfs {
  readonly #children = new StatfsChildren(CHILD_MS_MAX);

  inThread(path: string): Promise<FilesystemCounts> {
    if (threadCalls >= THREADS_HELD_MAX) return this.byChild(path);
    threadCalls++;
    return statfs(path).finally(() => {
      threadCalls--;
    });
  }

  byChild(path: string): Promise<FilesystemCounts> {
    const before = childCalls.get(path);
    if (before !== undefined) return before;
    const call = this.#children.ask(path).finally(() => childCalls.delete(path));
    childCalls.set(path, call);
    return call;
  }

  close(): void {
    this.#children.close();
  }
}
