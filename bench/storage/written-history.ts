import type { Store } from '../../pipeline/store/store.ts';
import { metricId } from '../../pipeline/wire/catalogue.ts';
import { frameBytes, stampTarget, writeFrame } from '../../pipeline/wire/frame.ts';
import { targetId } from '../../pipeline/wire/shard.ts';
import { FrameBatch } from '../../pipeline/writer/frame-batch.ts';
import { frameBlock } from '../../pipeline/writer/frame-block.ts';
import { FrameList } from '../../pipeline/writer/frame-list.ts';
import { MetricNumbers } from '../../pipeline/writer/metric-numbers.ts';
import { minuteBlock } from '../../pipeline/writer/minute-block.ts';
import { RunLedger } from '../../pipeline/writer/run-ledger.ts';
import { Scratch } from '../../pipeline/writer/scratch.ts';
import { StoredFrame } from '../../pipeline/writer/stored-frame.ts';
import { allPresent } from '../peers/all-present.ts';
import type { History, HistoryHost } from '../peers/history.ts';

const MINUTE_MS = 60_000;
const HALF = 2n ** 32n;
const LANE = { lane: '1x0', streamId: 1 };

/** A history as a writer stores it: a closing each minute, in order, committed one after the other. */
export class WrittenHistory {
  readonly metricIds: readonly bigint[];
  readonly targetIds: readonly bigint[];
  /** Rows of `series_minutes`. */
  rows = 0;
  parts = 0;
  readonly #store: Store;
  readonly #history: History;
  readonly #hosts: readonly { readonly id: bigint; readonly host: HistoryHost }[];
  readonly #numbers = new MetricNumbers();
  readonly #metrics: Int32Array;
  readonly #scratch = new Scratch();

  constructor(store: Store, history: History) {
    this.#store = store;
    this.#history = history;
    this.#hosts = history
      .hosts()
      .map((host) => ({ host, id: targetId(host.instance) }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    this.metricIds = history.series.map(({ name, labels }) => metricId(name, labels));
    this.targetIds = this.#hosts.map(({ id }) => id);
    this.#metrics = Int32Array.from(this.metricIds, (id) => this.#numbers.numberOf(id));
  }

  /**
   * @param slices inserts of each minute: some hosts at a time
   * @throws RollcallError `clickhouse_failed`
   */
  async write(slices: number): Promise<void> {
    const ledger = new RunLedger(this.#store, LANE, 1, 'bench');
    await ledger.begin(await ledger.claim(1));
    const { startMs, endMs } = this.#history;
    const each = Math.ceil(this.#hosts.length / slices);
    for (let seq = 1; startMs + (seq - 1) * MINUTE_MS < endMs; seq += 1) {
      const untilMs = startMs + seq * MINUTE_MS;
      const all = new FrameList();
      for (let at = 0; at < this.#hosts.length; at += each) {
        const frames = this.#framesOf(at, at + each, seq, untilMs);
        await this.#insertMinutes(frames, ledger.closing, at);
        for (const frame of frames) all.push(frame);
      }
      await this.#insertFrames(all, ledger.closing);
      await ledger.commit({ fromSeq: seq + 1, toSeq: seq });
    }
  }

  #framesOf(from: number, to: number, seq: number, untilMs: number): StoredFrame[] {
    const slots = this.#metrics.length;
    const size = frameBytes(slots);
    const said = this.#hosts
      .slice(from, to)
      .map(({ id, host }) => ({ id, ...host.until(untilMs) }));
    const count = said.reduce((sum, { timestampsMs }) => sum + timestampsMs.length, 0);
    const bytes = Buffer.alloc(count * size);
    const batch = new FrameBatch(bytes);
    const frames: StoredFrame[] = [];
    for (const { id, timestampsMs, rows } of said) {
      for (const [tick, timestampMs] of timestampsMs.entries()) {
        const at = frames.length * size;
        const head = { incarnation: 1n, seq: frames.length, timestampMs, catalogue: 1n, slots };
        const values = rows.subarray(tick * slots, (tick + 1) * slots);
        writeFrame(bytes, at, head, allPresent(slots), values);
        stampTarget(bytes, at, Number(id % HALF), Number(id / HALF));
        frames.push(new StoredFrame(batch, at, seq, this.#metrics));
      }
    }
    return frames;
  }

  async #insertMinutes(frames: StoredFrame[], closing: bigint, at: number): Promise<void> {
    this.#scratch.reset();
    const block = minuteBlock(frames, closing, this.#numbers, this.#scratch);
    await this.#store.insertBlock('series_minutes', block.chunks, `m:${closing}:${at}`);
    this.rows += block.rows;
    this.parts += 1;
  }

  async #insertFrames(frames: FrameList, closing: bigint): Promise<void> {
    this.#scratch.reset();
    const origin = { ...LANE, closing };
    const { chunks } = frameBlock(frames, origin, this.#scratch);
    await this.#store.insertBlock('frames', chunks, `f:${closing}`);
  }
}
