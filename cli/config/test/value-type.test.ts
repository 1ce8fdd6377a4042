import t from 'tap';
import { address, natsServer, url } from '../network-type.ts';
import {
  boolean,
  bytes,
  choice,
  duration,
  integer,
  path,
  port,
  Refusal,
  text,
  type ValueType,
} from '../value-type.ts';

/** The value of each text; of a refused one its remedy, or `refused`. */
function read(type: ValueType<unknown>, texts: readonly string[]): unknown[] {
  return texts.map((text) => {
    const value = type.parse(text);
    return value instanceof Refusal ? `refused ${value.remedy ?? ''}`.trim() : value;
  });
}

await t.test('an integer is whole, plain and within its range', (t) => {
  const type = integer({ min: 0, max: 100, unit: 'threads' });
  t.strictSame(read(type, ['0', '100', '007']), [0, 100, 7]);
  for (const bad of ['-1', '101', '1.5', '1e1', '0x10', '', ' 1', 'NaN', '9'.repeat(400)]) {
    t.strictSame(read(type, [bad]), ['refused'], JSON.stringify(bad));
  }
  t.strictSame(read(integer({ min: -5, max: 5, unit: '' }), ['-5', '-6']), [-5, 'refused']);
  t.strictSame(read(port(), ['0', '65535', '65536']), [0, 65_535, 'refused']);
  t.end();
});

await t.test('a size has a binary or a decimal unit, or counts bytes', (t) => {
  const type = bytes({ min: '1', max: '1TiB' });
  t.strictSame(
    read(type, ['1', '512KiB', '512 KiB', '1GB', '1.5MiB', '10kb', '7B']),
    [1, 524_288, 524_288, 1e9, 1_572_864, 10_000, 7],
  );
  t.strictSame(read(type, ['0', '2TiB', '-1', '', 'KiB', '1e3']), [
    'refused',
    'refused',
    'refused',
    'refused',
    'refused',
    'refused',
  ]);
  t.strictSame(read(type, ['4g', '4 parsecs']), [
    'refused did you mean `4GiB`?',
    'refused the units are B, KB, MB, GB, TB and KiB, MiB, GiB, TiB',
  ]);
  t.end();
});

await t.test('a duration has units, the larger first, and comes out in milliseconds', (t) => {
  const type = duration({ min: '0s', max: '10w' });
  t.strictSame(
    read(type, ['500ms', '15s', '1h30m', '7d', '2w', '1.5s', '0s', '1w2d3h4m5s6ms']),
    [500, 15_000, 5_400_000, 604_800_000, 1_209_600_000, 1500, 0, 788_645_006],
  );
  t.strictSame(read(type, ['15']), ['refused it has no unit; did you mean `15s`?']);
  const remedy = 'refused the units are w, d, h, m, s and ms, the larger first';
  t.strictSame(
    read(type, ['', 's', '30m1h', '1h 30m', '-1s', '1M', '1y']),
    Array.from({ length: 7 }, () => remedy),
  );
  t.strictSame(read(type, ['11w']), ['refused'], 'above the range');
  t.throws(
    () => duration({ min: '1', max: '2s' }),
    TypeError,
    'a range without units is our fault',
  );
  t.end();
});

await t.test('text is one line that matches the pattern', (t) => {
  const fleet = text({ pattern: /^[a-z]{1,3}$/, range: '[a-z]{1,3}' });
  t.strictSame(read(fleet, ['abc', 'abcd', 'abc\n', '']), ['abc', 'refused', 'refused', 'refused']);
  t.strictSame(read(text(), ['any thing', '', 'a\tb', 'a\nb']), [
    'any thing',
    'refused',
    'refused',
    'refused',
  ]);
  t.strictSame(read(text(), ['x'.repeat(4097)]), ['refused']);
  t.strictSame(read(path(), ['./data', '/', '', 'a\0b']), ['./data', '/', 'refused', 'refused']);
  t.end();
});

await t.test('a boolean is true or false, a choice one of its values', (t) => {
  t.strictSame(read(boolean(), ['true', 'false', 'yes', '1', '']), [
    true,
    false,
    'refused',
    'refused',
    'refused',
  ]);
  t.strictSame(read(choice([1, 3, 5], 'number'), ['3', '2']), [3, 'refused']);
  t.strictSame(read(choice(['info', 'warn'], 'level'), ['warn', 'Info', 'warm', 'loud']), [
    'warn',
    'refused did you mean `info`?',
    'refused did you mean `warn`?',
    'refused',
  ]);
  t.end();
});

await t.test('an address is a host and a port, an IPv6 host in brackets', (t) => {
  t.strictSame(read(address(), ['127.0.0.1:7101', '[::1]:0', 'db-1.example:9000', '[fe80::1]:1']), [
    { host: '127.0.0.1', port: 7101 },
    { host: '::1', port: 0 },
    { host: 'db-1.example', port: 9000 },
    { host: 'fe80::1', port: 1 },
  ]);
  t.strictSame(
    read(address(), ['::1:7101', ':7101', 'host', 'host:65536', '[host]:1', '1.2.3:1']),
    [
      'refused an IPv6 host stands in brackets: `[::1]:7101`',
      'refused for all interfaces say `0.0.0.0:7101`',
      'refused the port is missing: `host:PORT`',
      'refused a port is at most 65535',
      'refused',
      'refused',
    ],
  );
  t.strictSame(read(address(), ['a b:1', '-a:1', 'a..b:1', 'a:']), [
    'refused',
    'refused',
    'refused',
    'refused',
  ]);
  t.end();
});

await t.test('a NATS server comes out as an URL with a port and has no credentials', (t) => {
  t.strictSame(
    read(natsServer(), ['n1:4223', 'n1', 'tls://n1', 'nats://[::1]:4222/', '[::1]', '::1']),
    [
      'nats://n1:4223',
      'nats://n1:4222',
      'tls://n1:4222',
      'nats://[::1]:4222',
      'nats://[::1]:4222',
      'refused an IPv6 host stands in brackets: `[::1]:7101`',
    ],
  );
  t.strictSame(read(natsServer(), ['http://n1', 'nats://u:p@n1', 'nats://n1/path', '']), [
    'refused',
    'refused user, password and token are settings of their own',
    'refused',
    'refused',
  ]);
  t.end();
});

await t.test('an URL is http or https, without credentials unless they are allowed', (t) => {
  const good = ['http://127.0.0.1:8123', 'https://[::1]/a?b=c'];
  t.strictSame(read(url(), good), good);
  t.strictSame(
    read(url(), ['127.0.0.1:8123', 'ftp://a', 'http://', 'http://a\nb', 'http://u:p@a']),
    [
      'refused did you mean `http://127.0.0.1:8123`?',
      'refused',
      'refused',
      'refused',
      'refused user and password are settings of their own',
    ],
  );
  t.strictSame(read(url({ credentials: true }), ['https://u:p@a']), ['https://u:p@a']);
  t.end();
});
