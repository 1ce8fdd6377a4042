import t from 'tap';
import { latencyOf } from '../latency.ts';

await t.test('quantiles are values that were measured', (t) => {
  const fifty = Array.from({ length: 50 }, (_, i) => 50 - i);
  t.same(latencyOf(fifty), { runs: 50, p50_ms: 25, p95_ms: 48, max_ms: 50 });
  t.same(latencyOf([3]), { runs: 1, p50_ms: 3, p95_ms: 3, max_ms: 3 });
  t.same(latencyOf([]), { runs: 0, p50_ms: NaN, p95_ms: NaN, max_ms: NaN });
  t.end();
});
