import fc from 'fast-check';
import t from 'tap';
import { Matcher, type MatchOperator } from '../matcher.ts';
import { PATTERN_LENGTH_MAX } from '../regular-expression.ts';

function matcher(operator: MatchOperator, value: string): Matcher {
  const result = Matcher.create('l', operator, value);
  if (!result.ok) throw new Error(result.faults[0]?.message);
  return result.value;
}

function fault(pattern: string): string {
  const result = Matcher.create('l', '=~', pattern);
  return result.ok ? 'accepted' : result.faults.map((f) => `${f.offset}: ${f.message}`).join();
}

await t.test('the four operators, on a label that is there and on one that is not', (t) => {
  t.equal(matcher('=', 'a').matches('a'), true);
  t.equal(matcher('=', 'a').matches('A'), false);
  t.equal(matcher('!=', 'a').matches('b'), true);
  t.equal(matcher('=~', 'a|b').matches('b'), true);
  t.equal(matcher('!~', 'a|b').matches('b'), false);
  t.equal(matcher('=', '').matches(''), true, 'a missing label is the empty string');
  t.equal(matcher('!=', 'a').matches(''), true);
  t.equal(matcher('=~', 'a?').matches(''), true);
  t.equal(matcher('=~', '.+').matches(''), false);
  t.end();
});

await t.test('a pattern must match the whole value, alternatives included', (t) => {
  t.equal(matcher('=~', 'foo').matches('foobar'), false);
  t.equal(matcher('=~', 'foo').matches('a foo'), false);
  t.equal(matcher('=~', 'foo|bar').matches('foobar'), false);
  t.equal(matcher('=~', 'foo|foobar').matches('foobar'), true);
  t.equal(matcher('=~', '/boot(/.*)?').matches('/boot/efi'), true);
  t.equal(matcher('=~', '/boot(/.*)?').matches('/bootleg'), false);
  t.end();
});

const SAMPLES: readonly (readonly [pattern: string, takes: string, refuses: string])[] = [
  ['a.b', 'a\nb', 'ab'],
  ['(?-s)a.b', 'a\rb', 'a\nb'],
  ['(?i)abc', 'aBC', 'abd'],
  ['a(?i)b|c', 'aB', 'Ab'],
  ['a(?i)b|c', 'C', 'A'],
  ['(a(?i)b)c', 'aBc', 'aBC'],
  ['(?i:a)b', 'Ab', 'AB'],
  ['(?i)[^a]', 'b', 'A'],
  ['\\d+', '42', '٤٢'],
  ['\\w', '_', 'é'],
  ['\\s', '\f', '\v'],
  ['[[:space:]]', '\v', 'x'],
  ['[[:^digit:]x]', 'y', '3'],
  ['[]a]', ']', 'b'],
  ['[^]a]', 'b', ']'],
  ['[a-]', '-', 'b'],
  ['[\\d-z]', '-', 'y'],
  ['\\pL', 'é', '1'],
  ['\\p{Greek}+', 'αβγ', 'abc'],
  ['\\P{^Lu}', 'A', 'a'],
  ['[\\p{Lu}\\d]', '7', 'a'],
  ['\\x41\\x{1F600}\\101', 'A😀A', 'AAA'],
  ['\\Qa.b*\\E+', 'a.b**', 'axb*'],
  ['a{2,3}', 'aaa', 'aaaa'],
  ['a{2,}', 'aaaaa', 'a'],
  ['a{,2}', 'a{,2}', 'aa'],
  ['(?P<x>a)(?<y>b)', 'ab', 'a'],
  ['(a*)*b', 'aaab', 'aaa'],
  ['(|a)+', 'aa', 'b'],
  ['a*?b', 'aab', 'aa'],
  ['\\Aa\\z', 'a', 'ab'],
  ['a\\b.c', 'a c', 'abc'],
  ['(?m)a$.^b', 'a\nb', 'a b'],
  ['(?U)a+', 'aa', ''],
  ['\\.\\-\\_', '.-_', 'x-_'],
  ['(?i)straße', 'STRAßE', 'STRASSE'],
];

await t.test('patterns mean what they mean in RE2', (t) => {
  for (const [pattern, takes, refuses] of SAMPLES) {
    t.equal(matcher('=~', pattern).matches(takes), true, `${pattern} takes ${takes}`);
    t.equal(matcher('=~', pattern).matches(refuses), false, `${pattern} refuses ${refuses}`);
  }
  t.end();
});

await t.test('what RE2 does not have is refused at its place', (t) => {
  t.match(fault('ab(?=c)'), '2: invalid or unsupported Perl syntax (?=');
  t.match(fault('a(?!b)'), '1: invalid or unsupported Perl syntax (?!');
  t.match(fault('(?>a)'), '0: invalid or unsupported Perl syntax (?>');
  t.match(fault('(a)\\1'), '3: invalid escape sequence \\1');
  t.match(fault('a**'), '1: invalid nested repetition operator **');
  t.match(fault('x|*a'), '2: missing argument to repetition operator');
  t.match(fault('a{1001}'), '1: invalid repeat count {1001}');
  t.match(fault('a(b'), 'missing closing )');
  t.match(fault('a)b'), 'unexpected )');
  t.match(fault('x[a'), 'missing closing ]');
  t.match(fault('[z-a]'), '1: invalid character class range z-a');
  t.match(fault('\\Z'), '0: invalid escape sequence \\Z');
  t.match(fault('[[:foo:]]'), '1: invalid character class range [:foo:]');
  t.match(fault('a'.repeat(PATTERN_LENGTH_MAX + 1)), 'longer than');
  t.not(fault('('.repeat(2000)), 'accepted');
  t.not(fault('(.{1000}){1000}'), 'accepted');
  t.end();
});

await t.test('a pattern that makes backtracking engines stall is answered', (t) => {
  t.equal(matcher('=~', '(a+)+b').matches('a'.repeat(1024)), false);
  t.equal(matcher('=~', '(.*x)*(.*x)*(.*x)*y').matches('x'.repeat(1024)), false);
  t.end();
});

await t.test('on what both engines share, answers are those of JavaScript', (t) => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(a|b)', '(?:ab|)', '\\d', 'é', '😀');
  const repeated = fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '{0,2}', '{1,}'));
  const branch = fc.array(repeated, { maxLength: 4 }).map((parts) => parts.flat().join(''));
  const pattern = fc.array(branch, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|'));
  const value = fc.array(fc.constantFrom('a', 'b', '1', 'é', '😀', '\n'), { maxLength: 6 });
  fc.assert(
    fc.property(pattern, value, (pattern, chars) => {
      const text = chars.join('');
      const expected = new RegExp(`^(?:${pattern})$`, 'su').test(text);
      return matcher('=~', pattern).matches(text) === expected;
    }),
    { numRuns: 500 },
  );
  t.end();
});

await t.test('any text is a pattern or a fault inside it', (t) => {
  const part = fc.constantFrom(
    '(',
    ')',
    '[',
    ']',
    '\\',
    '{1,2}',
    '*',
    '|',
    '?',
    ':',
    '^',
    '-',
    'p{',
  );
  const text = fc.array(fc.oneof(part, fc.string()), { maxLength: 12 }).map((p) => p.join(''));
  fc.assert(
    fc.property(text, (pattern) => {
      const result = Matcher.create('l', '=~', pattern);
      if (result.ok) return typeof result.value.matches(pattern) === 'boolean';
      return result.faults.every(({ offset }) => offset >= 0 && offset <= pattern.length);
    }),
    { numRuns: 1000 },
  );
  t.end();
});
