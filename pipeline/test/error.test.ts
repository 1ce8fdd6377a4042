import t from 'tap';
import { isCode, RollcallError, reasonOf } from '../error.ts';

await t.test('a RollcallError carries a stable code, retryability and its cause', (t) => {
  const cause = new Error('refused');
  const error = new RollcallError('dial_failed', 'cannot reach 127.0.0.1:9', {
    cause,
    retryable: true,
  });
  t.equal(error.code, 'dial_failed');
  t.equal(error.retryable, true);
  t.equal(error.cause, cause);
  t.equal(reasonOf(error), 'cannot reach 127.0.0.1:9');
  t.equal(reasonOf('plain'), 'plain');
  t.equal(isCode(error, 'fenced', 'dial_failed'), true);
  t.equal(isCode(error, 'fenced'), false);
  t.equal(isCode(cause, 'dial_failed'), false);
  t.end();
});
