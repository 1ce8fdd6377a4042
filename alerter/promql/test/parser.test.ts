import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { Matcher } from '../matcher.ts';
import type { MatchOperator } from '../matcher.ts';
import { comparisonHolds } from '../comparison.ts';
import { ARITHMETIC, COMPARISONS, selectorsOf } from '../expression.ts';
import type { ComparisonOperator, Expression } from '../expression.ts';
import { formatExpression } from '../format.ts';
import { parseExpression } from '../parser.ts';

function parse(text: string): Expression {
  const result = parseExpression(text);
  if (!result.ok) throw new Error(`${text}: ${result.faults[0]?.message ?? ''}`);
  return result.value;
}

/** The faults as `offset: message`. */
function faults(text: string): string[] {
  const result = parseExpression(text);
  return result.ok ? ['accepted'] : result.faults.map((f) => `${f.offset}: ${f.message}`);
}

/** What is written, as it is read. */
function written(text: string): string {
  return formatExpression(parse(text));
}

await t.test('a number is compared with what follows as well as with what goes before', (t) => {
  t.match(parse('up == 0'), {
    kind: 'binary',
    operator: '==',
    left: { kind: 'selector', metric: 'up', matchers: [], offsetMs: 0, from: 0, to: 2 },
    right: { kind: 'number', value: 0, from: 6, to: 7 },
    isBool: false,
    matching: undefined,
  });
  const mirrored = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
  for (const [operator, other] of Object.entries(mirrored)) {
    t.equal(written(`up ${operator} 1`), `up ${operator} 1`);
    t.equal(written(`1 ${operator} up`), `up ${other} 1`);
  }
  t.end();
});

await t.test('everything that rules are made of is read, and written the same', (t) => {
  const same = [
    'rate(http_requests_total{code=~"5.."}[5m])',
    'sum by (job, instance) (rate(x[5m])) / sum by (job, instance) (rate(y[5m])) > 0.05',
    'sum without (cpu) (x)',
    'sum without () (x)',
    'topk(3, x)',
    'quantile by (job) (0.9, x)',
    'count_values("version", build_info)',
    'a and on (instance) b unless ignoring (job) c',
    'a * on (instance) group_left (nodename) node_uname_info',
    'a / ignoring (mode) group_right () b',
    'max_over_time(rate(x[5m])[1h:1m] offset 2h)',
    'min_over_time(x[1h:])',
    'x offset 5m',
    'rate(x[5m] offset -1m)',
    'a > bool 1',
    '1 == bool 2',
    '-x ^ 2',
    '(-x) ^ 2',
    'a - (b - c)',
    '(a or b) and c',
    '2 ^ 3 ^ x',
    '(2 ^ 3) ^ x',
    'label_replace(up, "a", "$1", "b", "(.*)")',
    'label_join(up, "a", "-", "b", "c")',
    'histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))',
    'predict_linear(x[1h], 3600) < 0',
    'absent(up{job="a"})',
    'time() - timestamp(x)',
    'hour() > 22',
    'day_of_week(vector(time())) == 0',
    'scalar(x) * y',
    'round(x, 0.1)',
    'clamp(x, 0, 1)',
    'a atan2 b',
    'vector(1)',
    'pi()',
  ];
  for (const text of same) t.equal(written(text), text);
  t.end();
});

await t.test('what is written in another way means the same', (t) => {
  const pairs: readonly (readonly [string, string])[] = [
    ['SUM(x) BY (job)', 'sum by (job) (x)'],
    ['a AND b', 'a and b'],
    ['sum(x) by (job)', 'sum by (job) (x)'],
    ['-1 ^ 2', '-1 ^ 2'],
    ['+1 ^ 2', '1 ^ 2'],
    ['--x', '-(-x)'],
    ['5 < up offset 5m', 'up offset 5m > 5'],
    ['a > b offset 5m', 'a > b offset 5m'],
    ['+x', 'x'],
    ['x[300]', 'x[5m]'],
    ['a + b * c', 'a + b * c'],
    ['(a + b) * c', '(a + b) * c'],
    ['a or b and c', 'a or b and c'],
    ['x offset 90', 'x offset 1m30s'],
  ];
  for (const [text, same] of pairs) t.equal(written(text), same, text);
  t.match(parse('-1 ^ 2'), { kind: 'negation', expr: { operator: '^' } });
  t.match(parse('-2 ^ 2 * 3'), { operator: '*', left: { kind: 'negation' } });
  t.same(
    selectorsOf(parse('sum(rate(a[5m])) / b > c offset 1m')).map(({ metric }) => metric),
    ['a', 'b', 'c'],
  );
  t.end();
});

await t.test('parentheses, comments, line breaks and commas at the end change nothing', (t) => {
  const plain = 'up{job="a",x!~"b|c"} > 5';
  t.equal(written('((up{job="a", x!~"b|c",}) > ((5)))'), plain);
  t.equal(written("# note\nup{\n  job='a',\n  x !~ `b|c` }\n > 5 # end"), plain);
  t.end();
});

await t.test('every form of a number in PromQL is read', (t) => {
  const forms: readonly (readonly [string, number])[] = [
    ['5', 5],
    ['-.5', -0.5],
    ['+1.5e-3', 0.0015],
    ['1_000_000', 1_000_000],
    ['1_0.2_5e1_0', 102_500_000_000],
    ['0x1F', 31],
    ['-0xff', -255],
    ['010', 8],
    ['08', 8],
    ['Inf', Infinity],
    ['-iNf', -Infinity],
    ['nan', NaN],
    ['- 5', -5],
    ['--5', 5],
    ['-(+(-(5)))', 5],
    ['1h30m', 5400],
    ['-500ms', -0.5],
  ];
  for (const [text, value] of forms)
    t.match(parse(`up < ${text}`), { right: { kind: 'number', value } }, text);
  t.end();
});

await t.test('a metric may be named by a matcher or in quotes', (t) => {
  t.equal(written('{__name__="up"} == 1'), 'up == 1');
  t.equal(written('{"up", "job"="a"} == 1'), 'up{job="a"} == 1');
  t.equal(selectorsOf(parse('{__name__=~"a|b"} == 1'))[0]!.metric, undefined);
  t.equal(written('sum == 1'), 'sum == 1');
  t.equal(written('{__name__="bool"} == 1'), '{__name__="bool"} == 1');
  t.end();
});

await t.test('comparisons follow IEEE 754', (t) => {
  const table: Record<ComparisonOperator, readonly boolean[]> = {
    '==': [false, true, false, false],
    '!=': [true, false, true, true],
    '<': [true, false, false, false],
    '<=': [true, true, false, false],
    '>': [false, false, true, false],
    '>=': [false, true, true, false],
  };
  for (const [operator, expected] of Object.entries(table)) {
    const answers = [1, 2, 3, NaN].map((v) =>
      comparisonHolds(operator as ComparisonOperator, v, 2),
    );
    t.same(answers, expected, operator);
  }
  t.end();
});

await t.test('what nobody evaluates is refused by name, where it stands', (t) => {
  t.same(faults('up @ 5 > 1'), ['3: @ is not supported']);
  t.same(faults('up anchored > 1'), ['3: anchored is not supported']);
  t.same(faults('a >/ 2'), ['2: the operator >/ is not supported']);
  t.same(faults('limitk(2, x)'), ['0: limitk() is not supported']);
  t.same(faults('mad_over_time(x[5m]) + info(y)'), [
    '0: mad_over_time() is not supported',
    '23: info() is not supported',
  ]);
  t.same(faults('x[5m + 1m]'), ['2: reckoning with durations is not supported']);
  t.end();
});

await t.test('types are checked as Prometheus does', (t) => {
  t.same(faults('rate(x)'), ['5: rate() needs a range here, and this is an instant vector']);
  t.same(faults('abs(x[5m])'), ['4: abs() needs an instant vector here, and this is a range']);
  t.same(faults('rate(x[5m], 1)'), ['0: rate() takes 1 arguments, not 2']);
  t.same(faults('round()'), ['0: round() takes 1 to 2 arguments, not 0']);
  t.same(faults('label_join(x, "a")'), ['0: label_join() takes 3 or more arguments, not 2']);
  t.same(faults('1 == 2'), ['0: a comparison of two numbers is 0 or 1']);
  t.same(faults('1 and x'), ['0: and needs an instant vector on both sides']);
  t.same(faults('x + bool y'), ['0: bool can only be used with a comparison, not with +']);
  t.same(faults('up > on (a) 1'), [
    '0: on, ignoring and group need an instant vector on both sides',
  ]);
  t.same(faults('a and on (x) group_left () b'), [
    '0: there is no group_left or group_right of and',
  ]);
  t.same(faults('a * on (x) group_left (x) b'), ['0: label x cannot be both in on and in a group']);
  t.same(faults('"a" == 1'), ['0: == cannot be used with a string']);
  t.same(faults('x[5m] > 1'), ['0: > cannot be used with a range']);
  t.same(faults('-"a"'), ['0: - needs an instant vector or a number']);
  t.same(faults('sum(x[5m])'), ['4: sum() needs an instant vector here, and this is a range']);
  t.same(faults('topk("a", x)'), ['5: topk() needs a number here, and this is a string']);
  t.same(faults('topk(x)'), ['0: topk() takes 2 arguments, not 1']);
  t.same(faults('rate(x[5m])[1h]'), ['11: a range can only be taken of a selector']);
  t.same(faults('1[5m:1m]'), ['0: a subquery needs an instant vector here, and this is a number']);
  t.same(faults('sum(x) offset 5m'), [
    '7: offset belongs once, right behind a selector, a range or a subquery',
  ]);
  t.same(faults('x offset 5m offset 5m'), [
    '12: offset belongs once, right behind a selector, a range or a subquery',
  ]);
  t.same(faults('x[0s]'), ['2: this duration must be more than 0']);
  t.end();
});

await t.test('what is not PromQL is refused at its first wrong place', (t) => {
  t.same(faults(''), ['0: the expression is empty']);
  t.same(faults('up =='), ['5: the expression ends too early']);
  t.same(faults('(up == 1'), ['8: the expression ends too early']);
  t.same(faults('up = 0'), ['3: unexpected =']);
  t.same(faults('up => 0'), ['3: unexpected =>']);
  t.same(faults('up <> 0'), ['3: unexpected <>']);
  t.same(faults('up 1'), ['3: unexpected "1"']);
  t.same(faults('up == 1;'), ['7: unexpected ";"']);
  t.same(faults('up{a=b} == 1'), ['5: unexpected "b"']);
  t.same(faults('up{a="b} == 1'), ['5: this string is not closed']);
  t.same(faults('up{a="\\q"} == 1'), ['6: unknown escape \\q']);
  t.same(faults('foo(up) > 1'), ['0: PromQL has no function foo()']);
  t.same(faults('bool == 1'), ['0: unexpected "bool"']);
  t.same(faults('up == 1e'), ['7: unexpected "e"']);
  t.same(faults('up == 0s'), ['6: a duration used as a number must be more than 0']);
  t.same(faults('up == 1e999'), ['6: number 1e999 is too large']);
  t.same(faults('up == -0x8000000000000000'), [
    '7: number 0x8000000000000000 does not fit in 64 bits',
  ]);
  t.end();
});

await t.test('selectors that name nothing, or one thing twice, are refused', (t) => {
  for (const text of ['{}', '{a=""}', '{a=~".*"}', '{a!="b"}', '{__name__=""}']) {
    t.match(faults(`${text} == 1`)[0], '0: this selector means every series', text);
  }
  t.same(faults('up{__name__="x"} == 1'), ['3: the metric is named twice: up and x']);
  t.same(faults('{"foo bar"} == 1'), ['1: "foo bar" is not a metric name']);
  t.same(faults('{"up","a.b"="c"} == 1'), ['6: "a.b" is not a label name']);
  t.end();
});

await t.test('a fault of a regular expression is placed behind the escapes before it', (t) => {
  t.match(faults('up{a=~"\\\\d\\\\1"} == 1')[0], '10: invalid escape sequence');
  t.match(faults('up{a=~"x(?=y)", b!~"(z"} == 1')[1], 'missing closing )');
  t.end();
});

const metric = fc.stringMatching(/^[a-zA-Z_:][a-zA-Z0-9_:]{0,8}$/);
const label = fc
  .stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,8}$/)
  .filter((name) => name !== '__name__');
const matchers = fc
  .array(fc.tuple(label, fc.constantFrom('=', '!='), fc.string({ unit: 'grapheme' })), {
    maxLength: 5,
  })
  .map((all) => all.map(([name, op, value]) => Matcher.create(name, op as MatchOperator, value)))
  .map((all) => all.flatMap((result) => (result.ok ? [result.value] : [])));
const NOWHERE = { from: 0, to: 0 };
const FROM_NOWHERE = { from: fc.constant(0), to: fc.constant(0) };

/** The same without where things stand; matchers as they are written. */
function placeless(value: unknown): unknown {
  if (value instanceof Matcher) return String(value);
  if (Array.isArray(value)) return value.map(placeless);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== 'from' && key !== 'to');
  return Object.fromEntries(entries.map(([key, each]) => [key, placeless(each)]));
}

const words = fc.constantFrom('inf', 'NaN', 'bool', 'on', 'offset', 'sum', 'and', 'by', 'start');

const selector = fc.tuple(fc.oneof(metric, words), matchers).map(([name, all]): Expression => ({
  kind: 'selector',
  metric: name,
  matchers: all,
  offsetMs: 0,
  ...NOWHERE,
}));
const number = fc.double().map((value): Expression => ({ kind: 'number', value, ...NOWHERE }));
const { vector } = fc.letrec<{ vector: Expression }>((tie) => ({
  vector: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    selector,
    fc.record({
      kind: fc.constant('binary' as const),
      operator: fc.constantFrom(...ARITHMETIC, ...COMPARISONS),
      left: tie('vector'),
      right: number,
      isBool: fc.constant(false),
      matching: fc.constant(undefined),
      ...FROM_NOWHERE,
    }),
    fc.record({
      kind: fc.constant('binary' as const),
      operator: fc.constantFrom(...ARITHMETIC),
      left: tie('vector'),
      right: tie('vector'),
      isBool: fc.constant(false),
      matching: fc.constant({
        cardinality: 'many-to-one' as const,
        isOn: true,
        labels: ['instance'],
        include: ['nodename'],
      }),
      ...FROM_NOWHERE,
    }),
    fc.record({ kind: fc.constant('negation' as const), expr: tie('vector'), ...FROM_NOWHERE }),
    fc.record({
      kind: fc.constant('aggregation' as const),
      operator: fc.constantFrom('sum' as const, 'max' as const),
      expr: tie('vector'),
      parameter: fc.constant(undefined),
      isWithout: fc.boolean(),
      labels: fc.array(label, { maxLength: 2 }),
      ...FROM_NOWHERE,
    }),
    fc.record({
      kind: fc.constant('call' as const),
      name: fc.constant('abs'),
      args: fc.tuple(tie('vector')),
      ...FROM_NOWHERE,
    }),
  ) as fc.Arbitrary<Expression>,
}));

await t.test('a printed expression parses back to the same tree', (t) => {
  fc.assert(
    fc.property(vector, (expression) => {
      const back = parse(formatExpression(expression));
      return isDeepStrictEqual(placeless(back), placeless(expression));
    }),
    { numRuns: 2000 },
  );
  t.end();
});

await t.test('any text is an expression or faults inside it', (t) => {
  const word = fc.constantFrom(
    'up',
    '==',
    '1',
    '(',
    ')',
    '{',
    '}',
    '=',
    '"',
    'by',
    'sum',
    '[5m]',
    '-',
    '@',
    ',',
  );
  const text = fc.array(fc.oneof(word, fc.string()), { maxLength: 12 }).map((w) => w.join(' '));
  fc.assert(
    fc.property(text, (text) => {
      const result = parseExpression(text);
      if (result.ok) return written(formatExpression(result.value)) !== '';
      return (
        result.faults.length > 0 &&
        result.faults.every(({ offset }) => offset >= 0 && offset <= text.length)
      );
    }),
    { numRuns: 2000 },
  );
  t.end();
});
