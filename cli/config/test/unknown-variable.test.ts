import t from 'tap';
import { unknownVariables } from '../unknown-variable.ts';

await t.test('a mistyped variable is told with the nearest name', (t) => {
  t.same(unknownVariables({ ROLLCALL_NATS_LANE: '3', ROLLCALL_NATS_SERVER: 'nats://a:4222' }), [
    'ROLLCALL_NATS_LANE is no setting and changes nothing; did you mean ROLLCALL_NATS_LANES?',
    'ROLLCALL_NATS_SERVER is no setting and changes nothing; did you mean ROLLCALL_NATS_SERVERS?',
  ]);
  t.same(unknownVariables({ ROLLCALL_ZEBRA: '1' }), [
    'ROLLCALL_ZEBRA is no setting and changes nothing',
  ]);
  t.end();
});

await t.test('settings, what others set, and what is empty is let be', (t) => {
  t.same(
    unknownVariables({
      ROLLCALL_NATS_LANES: '3',
      ROLLCALL_UP_NATS_PORT: '4222',
      ROLLCALL_CONFIG: 'x.yaml',
      ROLLCALL_SUPERVISED: '1',
      ROLLCALL_FAIL_POINTS: 'a',
      ROLLCALL_NATS_SERVER: '/usr/bin/nats-server',
      ROLLCALL_COLLECTOR_SERVICE_HOST: '10.0.0.1',
      ROLLCALL_COLLECTOR_SERVICE_PORT_METRICS: '7102',
      ROLLCALL_COLLECTOR_PORT: 'tcp://10.0.0.1:7102',
      ROLLCALL_COLLECTOR_PORT_7102_TCP_ADDR: '10.0.0.1',
      ROLLCALL_NATS_LANE: '',
      PATH: '/bin',
    }),
    [],
  );
  t.end();
});
