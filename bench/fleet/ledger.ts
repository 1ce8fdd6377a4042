import type { Breach } from './fleet-source.ts';

/** The frames that agents appended, a column per property. */
export interface FrameColumns {
  /** The agent's number in the fleet. */
  readonly agent: Uint32Array;
  /** Index into `runs`. */
  readonly run: Uint32Array;
  readonly seq: Uint32Array;
  readonly timestampMs: Float64Array;
  readonly samples: Uint32Array;
  readonly low: Uint32Array;
  readonly high: Uint32Array;
}

/** One run of one agent. */
export interface AgentRun {
  readonly agent: number;
  readonly incarnation: bigint;
  /** Frames that its full ring let go and counted. Some of them may have been on their way already. */
  readonly dropped: number[];
  /** Frames that nobody had acknowledged when it was stopped; its ring died with it. */
  readonly abandoned: number[];
}

/** A breach as the frames show it: from the first that has it to the first that has it no more. */
export interface Episode {
  readonly agent: number;
  readonly breach: Breach;
  readonly fromMs: number;
  toMs: number | undefined;
}

/** One connection that an agent accepted, by the wall clock. */
export interface Connection {
  readonly agent: number;
  readonly openedMs: number;
  closedMs: number | undefined;
}

export interface LedgerContent {
  readonly frames: FrameColumns;
  readonly runs: readonly AgentRun[];
  readonly episodes: readonly Episode[];
  readonly connections: readonly Connection[];
}

const ROWS_AT_FIRST = 4096;

/** What the agents of one process said and did. It knows nothing of what became of that. */
export class Ledger implements LedgerContent {
  readonly runs: AgentRun[] = [];
  readonly episodes: Episode[] = [];
  readonly connections: Connection[] = [];
  #columns = columnsOf(ROWS_AT_FIRST);
  #rows = 0;

  get frameCount(): number {
    return this.#rows;
  }

  /** The rows so far; the arrays are copies. */
  get frames(): FrameColumns {
    return copied(this.#columns, this.#rows, this.#rows);
  }

  add(
    run: number,
    seq: number,
    timestampMs: number,
    sum: { readonly low: number; readonly high: number; readonly samples: number },
  ): void {
    if (this.#rows === this.#columns.seq.length) {
      this.#columns = copied(this.#columns, this.#rows, 2 * this.#rows);
    }
    const row = this.#rows;
    const columns = this.#columns;
    columns.agent[row] = this.runs[run]!.agent;
    columns.run[row] = run;
    columns.seq[row] = seq;
    columns.timestampMs[row] = timestampMs;
    columns.samples[row] = sum.samples;
    columns.low[row] = sum.low;
    columns.high[row] = sum.high;
    this.#rows += 1;
  }
}

/** The ledgers of several processes as one. */
export function joined(ledgers: readonly LedgerContent[]): LedgerContent {
  const rows = ledgers.reduce((sum, { frames }) => sum + frames.seq.length, 0);
  const frames = columnsOf(rows);
  const runs: AgentRun[] = [];
  let at = 0;
  for (const ledger of ledgers) {
    for (const name of NAMES) frames[name].set(ledger.frames[name], at);
    const end = at + ledger.frames.seq.length;
    for (; at < end; at += 1) frames.run[at]! += runs.length;
    runs.push(...ledger.runs);
  }
  return {
    frames,
    runs,
    episodes: ledgers.flatMap(({ episodes }) => episodes),
    connections: ledgers.flatMap(({ connections }) => connections),
  };
}

const NAMES = ['agent', 'run', 'seq', 'timestampMs', 'samples', 'low', 'high'] as const;

export function columnsOf(rows: number): FrameColumns {
  return {
    agent: new Uint32Array(rows),
    run: new Uint32Array(rows),
    seq: new Uint32Array(rows),
    timestampMs: new Float64Array(rows),
    samples: new Uint32Array(rows),
    low: new Uint32Array(rows),
    high: new Uint32Array(rows),
  };
}

function copied(from: FrameColumns, rows: number, length: number): FrameColumns {
  const to = columnsOf(length);
  for (const name of NAMES) to[name].set(from[name].subarray(0, rows));
  return to;
}
