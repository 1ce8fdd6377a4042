import { randomBytes } from 'node:crypto';
import { reportFrame } from './target-report.ts';
import type { Report } from './target-report.ts';

/** What a collector says of one target: along with the agent's frames, and in frames of its own when it is due and none has come. */
export class TargetVoice {
  /** Undefined before the target has answered for the first time. */
  connectSeconds: number | undefined;
  /** Undefined until it is measured. */
  clockSkewSeconds: number | undefined;
  /** Frames since the last report whose time cannot be true. */
  quarantined = 0;
  /** Names our reports: a link that comes after us counts from 1 again. */
  readonly #run = randomBytes(8).readBigUInt64LE(0);
  #seq = 0;
  #hasSpoken = false;

  /** Number of the last frame. */
  get seq(): number {
    return this.#seq;
  }

  /** Whether something was said along with a frame since the last time this was asked. */
  takeHasSpoken(): boolean {
    const hasSpoken = this.#hasSpoken;
    this.#hasSpoken = false;
    return hasSpoken;
  }

  /** What goes along with a frame that tells how the target is now. */
  alongside(): Report {
    this.#hasSpoken = true;
    return this.#report(true);
  }

  /** A frame of its own; the buffer is reused. */
  frame(isUp: boolean): Buffer {
    this.#seq += 1;
    return reportFrame(this.#report(isUp), this.#run, this.#seq, Date.now());
  }

  #report(isUp: boolean): Report {
    const { connectSeconds, clockSkewSeconds, quarantined: framesQuarantined } = this;
    this.quarantined = 0;
    return { isUp, connectSeconds, clockSkewSeconds, framesQuarantined };
  }
}
