import t from 'tap';
import { encodeNumbered, numberOf, payloadOf } from '../numbered-value.ts';
import { Topology } from '../topology.ts';

const options = { fleet: 'prod', lanes: 4, laneBytesMax: 1000, logBytesMax: 500 };

await t.test('every name begins with the fleet', (t) => {
  const topology = new Topology(options);
  const streams = topology.streams();
  t.equal(streams.length, 4 + 4);
  for (const { name, subjects } of streams) {
    t.ok(name.startsWith('prod_'), name);
    for (const subject of subjects) t.ok(subject.startsWith('prod.'), subject);
  }
  t.equal(new Set(streams.map(({ name }) => name)).size, streams.length, 'no name twice');
  t.end();
});

await t.test('a lane is known by its stream, whatever its generation', (t) => {
  const topology = new Topology(options);
  t.same(topology.lane(3), {
    id: '4x3',
    stream: 'prod_lane_4x3',
    subject: 'prod.lane.4x3',
  });
  t.same(topology.laneOfStream('prod_lane_4x3'), topology.lane(3));
  t.same(topology.laneOfStream('prod_lane_16x11'), topology.lane(11, 16));
  t.equal(topology.laneOfStream('prod_log'), undefined);
  t.equal(topology.laneOfStream('prod_b_lane_4x3'), undefined, 'a lane of fleet prod_b');
  t.equal(topology.laneOfStream('staging_lane_4x3'), undefined);
  t.end();
});

await t.test('a fleet whose name would break a subject is refused', (t) => {
  for (const fleet of ['', 'a.b', 'a b', '*', '>', 'A', 'x'.repeat(33)]) {
    t.throws(() => new Topology({ ...options, fleet }), { code: 'bad_fleet' }, fleet);
  }
  t.end();
});

await t.test('a numbered value keeps number and payload apart', (t) => {
  const payload = Uint8Array.of(1, 2, 3);
  for (const number of [0, 1, 2 ** 53 - 1]) {
    const message = Buffer.concat([Buffer.alloc(3), encodeNumbered(number, payload)]).subarray(3);
    t.equal(numberOf(message), number);
    t.same([...payloadOf(message)], [1, 2, 3]);
  }
  t.equal(payloadOf(encodeNumbered(7)).length, 0);
  t.end();
});
