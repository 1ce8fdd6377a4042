import { RollcallError } from '../error.ts';
import type { Store } from '../store/store.ts';

/** What is rolled up. */
export interface RolledUp {
  /** By run of a lane: closings of the run below this one. */
  readonly below: ReadonlyMap<bigint, bigint>;
  /** All of earlier hours that was committed at that time, s since 1970; 0 if that is not known. */
  readonly openFromS: number;
}

export interface KeptFor {
  readonly samplesMs: number;
  readonly rollupMinutesMs: number;
}

interface LedgerRow {
  readonly epoch: string;
  readonly number: string;
  readonly hides: readonly string[];
  readonly runs: readonly string[];
  readonly below: readonly string[];
  readonly open_from_s: string;
}

/** An epoch numbers its roll-ups from 1 in the bits below its own. */
const NUMBER_BITS = 20n;
/** Epochs that are looked at: those since the last one that committed something. */
const EPOCHS_MAX = 1000;
/** Roll-ups that are left out. Of older ones nobody can be inserting any more: their rows are deleted. */
const HIDDEN_MAX = 64;
const HIDDEN_FROM = ['rollup_minutes', 'rollup_hours'];

const NEWEST = `
  SELECT epoch, number, hides, runs, below, toUnixTimestamp(open_from) AS open_from_s
  FROM rollup_runs
  WHERE epoch <= {epoch:UInt64}
  ORDER BY epoch DESC, number DESC LIMIT 1 BY epoch LIMIT {epochs:UInt32}`;

/**
 * Which closings are rolled up, and which rows of roll-ups count.
 *
 * One roll-up is open at a time, and its rows name it. Committing it is writing one row here, which says all there is to
 * know: queries go by the newest row alone. What a predecessor inserted and did not commit is hidden by our first row.
 * As in `RunLedger` both sides write first and look afterwards. So an owner that was replaced may still commit
 * one roll-up: it counts until its successor's first commit, and never together with that.
 */
export class RollupLedger {
  readonly #store: Store;
  readonly #epoch: number;
  readonly #writer: string;
  readonly #kept: KeptFor;
  /** Of the roll-up that is open. */
  #number = 1;
  #hides: readonly bigint[] = [];
  #rolled: RolledUp = { below: new Map(), openFromS: 0 };

  constructor(store: Store, epoch: number, writer: string, kept: KeptFor) {
    this.#store = store;
    this.#epoch = epoch;
    this.#writer = writer;
    this.#kept = kept;
  }

  /** The roll-up that is open. */
  get rollup(): bigint {
    return rollupOf(this.#epoch, this.#number);
  }

  get rolled(): RolledUp {
    return this.#rolled;
  }

  /**
   * From then on a predecessor commits nothing that we do not know of, or that counts beside ours. May be repeated.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async claim(): Promise<void> {
    await this.#insert(0, this.#rolled);
    await this.confirm();
    const rows = await this.#store.rows<LedgerRow>(NEWEST, {
      epoch: this.#epoch,
      epochs: EPOCHS_MAX,
    });
    const at = rows.findIndex(({ number }) => number !== '0');
    const before = rows[at];
    const unbegun = at < 0 ? rows : rows.slice(0, at);
    const hides = unbegun.map(({ epoch }) => rollupOf(Number(epoch), 1));
    if (before !== undefined) {
      const open = Number(before.number) + 1;
      hides.push(rollupOf(Number(before.epoch), open), ...before.hides.map(BigInt));
      // We have been here before, and may have inserted something.
      if (Number(before.epoch) === this.#epoch) this.#number = open + 1;
      this.#rolled = rolledOf(before);
    }
    await this.#hide(hides.filter((rollup) => rollup !== this.rollup));
  }

  /**
   * Commits the open roll-up. May be repeated when it fails.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async commit(rolled: RolledUp): Promise<void> {
    await this.#insert(this.#number, rolled);
    await this.confirm();
    this.#rolled = rolled;
    this.#number += 1;
  }

  /**
   * Gives the open roll-up up, of which something may have been inserted, or even committed without our knowledge, and
   * opens another one. May be repeated.
   *
   * @throws RollcallError `fenced` when there is a higher epoch
   */
  async abandon(): Promise<void> {
    await this.#hide([this.rollup, ...this.#hides]);
    this.#number += 1;
    await this.commit(this.#rolled);
  }

  /** @throws RollcallError `fenced` when there is a higher epoch */
  async confirm(): Promise<void> {
    const [row] = await this.#store.rows<{ epoch: string }>(
      'SELECT max(epoch) AS epoch FROM rollup_runs',
    );
    if (Number(row!.epoch) > this.#epoch) {
      throw new RollcallError('fenced', 'another writer rolls up');
    }
  }

  /** What nobody hides from now on must not be there. */
  async #hide(rollups: readonly bigint[]): Promise<void> {
    const oldest = rollups.slice(HIDDEN_MAX);
    for (const table of oldest.length > 0 ? HIDDEN_FROM : []) {
      await this.#store.run(`DELETE FROM ${table} WHERE has({rollups:Array(UInt64)}, rollup)`, {
        rollups: oldest,
      });
    }
    this.#hides = rollups.slice(0, HIDDEN_MAX);
  }

  async #insert(number: number, { below, openFromS }: RolledUp): Promise<void> {
    await this.#store.insertRows('rollup_runs', [
      {
        epoch: this.#epoch,
        number,
        hides: this.#hides.map(String),
        runs: [...below.keys()].map(String),
        below: [...below.values()].map(String),
        open_from: openFromS,
        samples_kept: Math.round(this.#kept.samplesMs / 1000),
        minutes_kept: Math.round(this.#kept.rollupMinutesMs / 1000),
        writer: this.#writer,
      },
    ]);
  }
}

function rolledOf({ runs, below, open_from_s: openFromS }: LedgerRow): RolledUp {
  return {
    below: new Map(runs.map((run, index) => [BigInt(run), BigInt(below[index]!)])),
    openFromS: Number(openFromS),
  };
}

function rollupOf(epoch: number, number: number): bigint {
  return (BigInt(epoch) << NUMBER_BITS) | BigInt(number);
}
