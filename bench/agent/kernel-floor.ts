import { setTimeout as sleep } from 'node:timers/promises';
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

const ROUNDS = 500;
const WARM_UP_ROUNDS = 50;
const PACED_ROUNDS = 100;

/** What nobody who reads these files can do without. */
export interface KernelFloor {
  readonly files: number;
  /** CPU time of reading all files once into one buffer, looking at nothing, again and again. */
  readonly warmCpuUs: number;
  /** The same at the pace of the agent's ticks: caches hold other things by then. */
  readonly pacedCpuUs: number;
}

/**
 * Reads the kernel files that a process keeps open, as it does, without parsing them: nearly all of
 * that is the kernel producing their contents. What the process opens seldom is not among them.
 */
export async function kernelFloor(pid: number, intervalMs: number): Promise<KernelFloor> {
  const descriptors = kernelFilesOf(pid).flatMap((path) => {
    try {
      return [openSync(path, 'r')];
    } catch {
      return [];
    }
  });
  const buffer = Buffer.alloc(1 << 20);
  readAll(descriptors, buffer, WARM_UP_ROUNDS);
  const warmUs = readAll(descriptors, buffer, ROUNDS);
  let pacedUs = 0;
  for (let round = 0; round < PACED_ROUNDS; round += 1) {
    await sleep(intervalMs);
    pacedUs += readAll(descriptors, buffer, 1);
  }
  for (const descriptor of descriptors) closeSync(descriptor);
  return {
    files: descriptors.length,
    warmCpuUs: warmUs / ROUNDS,
    pacedCpuUs: pacedUs / PACED_ROUNDS,
  };
}

/** @returns the CPU time it took, in microseconds */
function readAll(descriptors: readonly number[], buffer: Buffer, rounds: number): number {
  const before = process.cpuUsage();
  for (let round = 0; round < rounds; round += 1) {
    for (const descriptor of descriptors) {
      try {
        let length = 0;
        for (;;) {
          const count = readSync(descriptor, buffer, 0, buffer.length, length);
          if (count === 0) break;
          length += count;
        }
      } catch {
        // A device that went away, or a sensor that does not answer.
      }
    }
  }
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** `/proc/<pid>/net` is the reader's own network when it is read as `/proc/self/net`. */
function kernelFilesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`)
    .map((fd) => linkOf(`/proc/${pid}/fd/${fd}`))
    .filter((path) => /^\/(proc|sys)\//.test(path))
    .map((path) => path.replace(new RegExp(`^/proc/${pid}/(task/\\d+/)?`), '/proc/self/'));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
