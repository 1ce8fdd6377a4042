import fc from 'fast-check';
import t from 'tap';
import { parseExpression } from '../expression-parser.ts';
import {
  comparisonHolds,
  formatExpression,
  selects,
  type BinaryExpression,
  type ComparisonOperator,
} from '../expression.ts';
import { Matcher, type MatchOperator } from '../matcher.ts';

function parse(text: string): BinaryExpression {
  const result = parseExpression(text);
  if (!result.ok) throw new Error(`${text}: ${result.faults[0]?.message ?? ''}`);
  return result.value;
}

/** The faults as `offset: message`. */
function faults(text: string): string[] {
  const result = parseExpression(text);
  return result.ok ? ['accepted'] : result.faults.map((f) => `${f.offset}: ${f.message}`);
}

await t.test('a selector is compared with a number, in either order', (t) => {
  t.match(parse('up == 0'), {
    kind: 'binary',
    operator: '==',
    left: { kind: 'selector', metric: 'up', matchers: [] },
    right: { kind: 'number', value: 0 },
  });
  const mirrored = { '==': '==', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
  for (const [operator, other] of Object.entries(mirrored)) {
    t.equal(formatExpression(parse(`up ${operator} 1`)), `up ${operator} 1`);
    t.equal(formatExpression(parse(`1 ${operator} up`)), `up ${other} 1`);
  }
  t.end();
});

await t.test('parentheses, comments, line breaks and commas at the end change nothing', (t) => {
  const plain = 'up{job="a",x!~"b|c"} > 5';
  t.equal(formatExpression(parse('((up{job="a", x!~"b|c",}) > ((5)))')), plain);
  t.equal(formatExpression(parse("# note\nup{\n  job='a',\n  x !~ `b|c` }\n > 5 # end")), plain);
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
    t.ok(Object.is(parse(`up < ${text}`).right.value, value), text);
  t.end();
});

await t.test('a metric may be named by a matcher or in quotes', (t) => {
  t.equal(formatExpression(parse('{__name__="up"} == 1')), 'up == 1');
  t.equal(formatExpression(parse('{"up", "job"="a"} == 1')), 'up{job="a"} == 1');
  t.equal(parse('{__name__=~"a|b"} == 1').left.metric, undefined);
  t.equal(formatExpression(parse('sum == 1')), 'sum == 1');
  t.equal(formatExpression(parse('{__name__="bool"} == 1')), '{__name__="bool"} == 1');
  t.end();
});

function series(labels: Record<string, string>): (name: string) => string | undefined {
  return (name) => labels[name];
}

await t.test('a selector means a series by its name and labels', (t) => {
  const { left } = parse('up{job="a",zone=~"x.*",role=""} == 1');
  t.equal(selects(left, 'up', series({ job: 'a', zone: 'x1' })), true);
  t.equal(selects(left, 'up', series({ job: 'a', zone: 'x1', role: 'db' })), false);
  t.equal(selects(left, 'down', series({ job: 'a', zone: 'x1' })), false);
  t.equal(selects(left, 'up', series({ job: 'a' })), false);
  t.equal(selects(parse('{__name__=~"u."} == 1').left, 'up', series({})), true);
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

await t.test('what PromQL has and rules do not yet is refused by name, where it stands', (t) => {
  t.same(faults('rate(x[5m]) > bool sum by (a) (y)'), [
    '0: rate() is not supported yet',
    '14: bool is not supported yet',
    '19: the aggregation sum() is not supported yet',
  ]);
  t.same(faults('up offset 5m > 1'), ['3: offset is not supported yet']);
  t.same(faults('up @ 5 > 1'), ['3: the modifier @ is not supported yet']);
  t.same(faults('up[5m] > 1'), ['2: a range such as [5m] is not supported yet']);
  t.same(faults('(up[5m:1m]) > 1'), ['3: a subquery such as [5m:1m] is not supported yet']);
  t.same(faults('up anchored > 1'), ['3: anchored is not supported yet']);
  t.same(faults('up > on (a) 1'), ['5: on is not supported yet']);
  t.same(faults('a and b'), ['2: the operator and is not supported yet']);
  t.same(faults('a + 1 > 2'), ['2: the operator + is not supported yet']);
  t.same(faults('a >/ 2'), ['2: the operator >/ is not supported yet']);
  t.same(faults('-1^2 < up'), ['0: - before anything but a number is not supported yet']);
  t.same(faults('-up < 1'), ['0: - before anything but a number is not supported yet']);
  t.same(faults('a == 1 == 2'), ['0: a comparison inside another is not supported yet']);
  t.same(faults('a == b'), ['5: a comparison of two selectors is not supported yet']);
  t.same(faults('1 == 2'), ['5: a comparison of two numbers is not supported yet']);
  t.same(faults('up'), ['0: a selector without a comparison is not supported yet']);
  t.same(faults('vector(1)'), ['0: vector() is not supported yet']);
  t.same(faults('"a" == 1'), ['0: a string is never true or false']);
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
const words = fc.constantFrom('inf', 'NaN', 'bool', 'on', 'offset', 'sum', 'and', 'by', 'start');

await t.test('a printed expression parses back to the same tree', (t) => {
  const operator = fc.constantFrom<ComparisonOperator[]>('==', '!=', '<', '<=', '>', '>=');
  fc.assert(
    fc.property(
      fc.oneof(metric, words),
      matchers,
      operator,
      fc.double(),
      (name, all, op, value) => {
        const expression: BinaryExpression = {
          kind: 'binary',
          operator: op,
          left: { kind: 'selector', metric: name, matchers: all },
          right: { kind: 'number', value },
        };
        const back = parse(formatExpression(expression));
        t.same(back, expression);
        return Object.is(back.right.value, value);
      },
    ),
    { numRuns: 500 },
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
      if (result.ok) return formatExpression(parse(formatExpression(result.value))) !== '';
      return (
        result.faults.length > 0 &&
        result.faults.every(({ offset }) => offset >= 0 && offset <= text.length)
      );
    }),
    { numRuns: 2000 },
  );
  t.end();
});
