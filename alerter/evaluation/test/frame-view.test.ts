import t from 'tap';
import * as frame from '../../../pipeline/wire/frame.ts';
import { FrameView } from '../frame-view.ts';
import { catalogue, frameOf, target } from './hand-made.ts';

const id = (low: number, high: number): bigint => (BigInt(high) << 32n) | BigInt(low);

await t.test('says the same of a frame as the wire’s own functions, wherever it lies', (t) => {
  const host = target('web-1');
  const from = catalogue(['a'], ['b'], ['c']);
  const bytes = frameOf(
    host,
    2 ** 40,
    1_700_000_000_123,
    from,
    [0.1, undefined, -1e300],
    2n ** 63n,
  );
  frame.flagBacklog(bytes, 0);
  for (const offset of [0, 3, 8]) {
    const batch = Buffer.concat([Buffer.alloc(offset, 0xff), bytes]);
    const view = new FrameView().look(batch, offset);
    t.equal(id(view.targetLow, view.targetHigh), frame.frameTarget(batch, offset));
    t.equal(id(view.runLow, view.runHigh), frame.frameIncarnation(batch, offset));
    t.equal(id(view.catalogueLow, view.catalogueHigh), frame.frameCatalogue(batch, offset));
    t.equal(view.run, 2n ** 63n);
    t.equal(view.catalogue, from.hash);
    t.equal(view.seq, 2 ** 40);
    t.equal(view.timestampMs, 1_700_000_000_123);
    t.equal(view.slots, 3);
    t.equal(view.isBacklog, true);
    t.same(
      [0, 1, 2].map((slot) => view.isPresent(slot)),
      [true, false, true],
    );
    t.same(
      [0, 1, 2].map((slot) => view.value(slot)),
      [0.1, 0, -1e300],
    );
  }
  t.end();
});
