import fc from 'fast-check';
import t from 'tap';
import { TEMPLATE_LENGTH_MAX, compileTemplate } from '../template.ts';

function render(text: string, value = 0, labels: Record<string, string> = {}): string {
  const result = compileTemplate(text);
  if (!result.ok) throw new Error(result.faults[0]?.message);
  return result.value.render(labels, value);
}

/** The faults as `offset: message`. */
function faults(text: string): string[] {
  const result = compileTemplate(text);
  return result.ok ? ['accepted'] : result.faults.map((f) => `${f.offset}: ${f.message}`);
}

await t.test('labels and the value are filled in; a missing label leaves nothing', (t) => {
  const labels = { instance: 'node-1', job: 'rollcall' };
  t.equal(render('{{ $labels.instance }} of {{.Labels.job}}', 0, labels), 'node-1 of rollcall');
  t.equal(render('[{{ $labels.none }}]', 0, labels), '[]');
  t.equal(render('[{{ $labels.constructor }}]', 0, labels), '[]');
  t.equal(render('{{ $value }} {{ .Value }}', 1.5), '1.5 1.5');
  t.equal(render('{{ "text" }} {{ `raw` }} {{ 5 }} {{ 1.50 }}'), 'text raw 5 1.5');
  t.equal(render('no action, } and { alone'), 'no action, } and { alone');
  t.end();
});

await t.test('the value is printed as Go prints it', (t) => {
  const printed: readonly (readonly [number, string])[] = [
    [0, '0'],
    [100_000, '100000'],
    [1_000_000, '1e+06'],
    [268_435_456, '2.68435456e+08'],
    [123_456_789.123, '1.23456789123e+08'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1e300, '1e+300'],
    [-90_061.5, '-90061.5'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [NaN, 'NaN'],
  ];
  for (const [value, text] of printed) t.equal(render('{{ $value }}', value), text);
  t.end();
});

await t.test('numbers for people are those of Prometheus', (t) => {
  const table: readonly (readonly [number, string, string, string, string])[] = [
    [0, '0', '0', '0s', '0%'],
    [0.5, '500m', '0.5', '500ms', '50%'],
    [-0.00005, '-50u', '-5e-05', '-50us', '-0.005%'],
    [10.125, '10.12', '10.12', '10.12s', '1012%'],
    [1234.5, '1.234k', '1.206ki', '20m 34s', '1.234e+05%'],
    [90_061, '90.06k', '87.95ki', '1d 1h 1m 1s', '9.006e+06%'],
    [-90_061.5, '-90.06k', '-87.95ki', '-1d 1h 1m 1s', '-9.006e+06%'],
    [268_435_456, '268.4M', '256Mi', '3106d 21h 24m 16s', '2.684e+10%'],
    [Infinity, '+Inf', '+Inf', '+Inf', '+Inf%'],
    [NaN, 'NaN', 'NaN', 'NaN', 'NaN%'],
  ];
  for (const [value, plain, binary, duration, percentage] of table) {
    t.equal(render('{{ $value | humanize }}', value), plain);
    t.equal(render('{{ humanize1024 $value }}', value), binary);
    t.equal(render('{{ $value | humanizeDuration }}', value), duration);
    t.equal(render('{{ $value | humanizePercentage }}', value), percentage);
  }
  t.equal(
    render('{{ humanizeTimestamp $value }}', 1_700_000_000.5),
    '2023-11-14 22:13:20.5 +0000 UTC',
  );
  t.equal(render('{{ humanizeTimestamp $value }}', -1), '1969-12-31 23:59:59 +0000 UTC');
  t.end();
});

await t.test('printf pads, rounds halves to even and quotes as Go does', (t) => {
  const printed: readonly (readonly [string, number, string])[] = [
    ['%f', 0.5, '0.500000'],
    ['%.0f', 2.5, '2'],
    ['%.0f', 3.5, '4'],
    ['%.2f', 0.125, '0.12'],
    ['%.2f', 1e21, '1000000000000000000000.00'],
    ['%8.2f|', 59.9, '   59.90|'],
    ['%-8.2f|', 59.9, '59.90   |'],
    ['%08.1f', -1, '-00001.0'],
    ['%+.1f', 1, '+1.0'],
    ['% f', 1, ' 1.000000'],
    ['%08.1f', NaN, '     NaN'],
    ['%e', 1234.5, '1.234500e+03'],
    ['%.3e', 1234.5, '1.234e+03'],
    ['%.4g', 1_234_567, '1.235e+06'],
    ['%G', 1_234_567, '1.234567E+06'],
    ['%+v', 1, '1'],
    ['100%% of %v', 5, '100% of 5'],
  ];
  for (const [format, value, text] of printed) {
    t.equal(render(`{{ printf "${format}" $value }}`, value), text, format);
    t.equal(render(`{{ $value | printf "${format}" }}`, value), text, format);
  }
  const labels = { l: 'é"1' };
  t.equal(
    render(
      '{{ printf "%s|%5s|%-5s|%.1s|%q|%v" .Labels.l .Labels.l .Labels.l .Labels.l .Labels.l .Labels.l }}',
      0,
      labels,
    ),
    'é"1|  é"1|é"1  |é|"é\\"1"|é"1',
  );
  t.equal(render('{{ printf "%q" "\\t\\x7f\\u200b" }}'), '"\\t\\x7f\\u200b"');
  t.equal(render('{{ printf "%d %5d %-5d| %05d %+d" 5 5 5 5 5 }}'), '5     5 5    | 00005 +5');
  t.end();
});

await t.test('text functions map one character to one', (t) => {
  t.equal(render('{{ title "ab cD-ef_g 9x éa.b" }}'), 'Ab CD-Ef_g 9x Éa.B');
  t.equal(render('{{ toUpper "straße" }} {{ "ÀÉİ" | toLower }}'), 'STRAßE àéi');
  t.equal(render('{{ $labels.l | toUpper | printf "%s!" }}', 0, { l: 'a' }), 'A!');
  t.equal(render('{{ printf "%s" (humanize $value) }}', 1000), '1k');
  t.end();
});

await t.test('dashes trim white space, comments vanish', (t) => {
  t.equal(render('a  {{- 1 -}}  b'), 'a1b');
  t.equal(render('a {{ -1 }} b {{-2 }}'), 'a -1 b -2');
  t.equal(render('a {{/* c }} */}} b'), 'a  b');
  t.equal(render('a {{- /* c */ -}} b'), 'ab');
  t.equal(render('{{ "}}" }}{{\n$value\n}}', 3), '}}3');
  t.end();
});

await t.test('a label that is no number says so in the text instead of failing the alert', (t) => {
  t.equal(render('{{ $labels.n | humanize }}', 0, { n: '1500' }), '1.5k');
  t.match(
    render('{{ $labels.n | humanize }}', 0, { n: 'x' }),
    '<error expanding template: humanize',
  );
  t.match(render('{{ humanizeTimestamp $value }}', 1e20), 'out of range');
  t.end();
});

await t.test('everything else of Go templates is refused at its place, all of it at once', (t) => {
  t.same(faults('{{ if $value }}x{{ end }}'), [
    '3: if is not supported yet',
    '19: end is not supported yet',
  ]);
  t.same(faults('a {{ query "up" }} {{ nope }}'), [
    '5: query is not supported yet',
    '22: templates have no nope',
  ]);
  t.same(faults('{{ $x }}'), ['3: $x is not supported']);
  t.same(faults('{{ $labels }}'), ['3: $labels is not supported']);
  t.same(faults('{{ $labels.a.b }}'), ['3: $labels.a.b is not supported']);
  t.same(faults('{{ . }}'), ['3: . is not supported']);
  t.same(faults('{{ $x := 5 }}'), ['3: $x is not supported']);
  t.same(faults('{{ }}'), ['3: something is missing here']);
  t.same(faults('x {{ $value'), ['2: this {{ has no }}']);
  t.same(faults('{{ $value | }}'), ['12: something is missing here']);
  t.same(faults('{{ $value $value }}'), ['10: unexpected $value']);
  t.same(faults('{{ $value | $value }}'), ['12: $value after | is not a function']);
  t.same(faults('{{ humanize }}'), ['3: humanize takes one argument, not 0']);
  t.same(faults('{{ humanize 1 2 }}'), ['3: humanize takes one argument, not 2']);
  t.same(faults('{{ humanize "x" }}'), ['12: humanize takes a number']);
  t.same(faults('{{ toUpper $value }}'), ['11: toUpper takes a string, not a number']);
  t.same(faults('{{ (humanize 1 }}'), ['3: this ( has no )']);
  t.same(faults("{{ 'a' }}"), ["3: unexpected 'a"]);
  t.same(faults('{{ "\\q" }}'), ['4: unknown escape \\q']);
  t.same(faults('a'.repeat(TEMPLATE_LENGTH_MAX + 1)), [
    `0: this template is longer than ${TEMPLATE_LENGTH_MAX} characters`,
  ]);
  t.end();
});

await t.test('a printf that would print garbage in Go is refused', (t) => {
  const bad: readonly (readonly [string, string])[] = [
    ['printf "%d" $value', '%d does not print a floating-point number'],
    ['printf "%s" $value', '%s does not print a floating-point number'],
    ['printf "%f" $labels.x', '%f does not print a string'],
    ['printf "%f" 5', '%f does not print a whole number'],
    ['printf "%f"', '%f has no argument'],
    ['printf "x" 5', 'printf has 1 more arguments than verbs'],
    ['printf "%"', '% has no verb'],
    ['printf "%*d" 5 5', '* in %*d is not supported'],
    ['printf "%99999d" 5', 'is wider than'],
    ['printf "%.99f" $value', 'asks for more than'],
    ['printf $labels.x', 'printf takes a format in quotes first'],
  ];
  for (const [action, message] of bad) t.match(faults(`{{ ${action} }}`)[0], message, action);
  t.end();
});

await t.test('any text compiles or has faults inside it, and what compiles renders', (t) => {
  const part = fc.constantFrom(
    '{{',
    '}}',
    ' -}}',
    '{{- ',
    '|',
    '(',
    ')',
    '"',
    '$labels.a',
    '$value',
    'printf',
    'humanize',
    '"%f"',
    ' ',
  );
  const text = fc.array(fc.oneof(part, fc.string()), { maxLength: 14 }).map((p) => p.join(''));
  fc.assert(
    fc.property(text, fc.double(), (text, value) => {
      const result = compileTemplate(text);
      if (result.ok) return typeof result.value.render({ a: text }, value) === 'string';
      return result.faults.every(({ offset }) => offset >= 0 && offset <= text.length);
    }),
    { numRuns: 2000 },
  );
  t.end();
});

await t.test('fixed digits of everyday numbers are the nearest', (t) => {
  fc.assert(
    fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
      return Math.abs(Number(render('{{ printf "%.3f" $value }}', value)) - value) <= 0.000501;
    }),
  );
  t.end();
});
