import t from 'tap';
import { markup, scriptJson } from '../markup.ts';

await t.test('values are escaped, markup is not', (t) => {
  const inner = markup`<b>${'1 < 2 & "3"'}</b>`;
  t.equal(inner.text, '<b>1 &lt; 2 &amp; &quot;3&quot;</b>');
  t.equal(markup`<p title="${"it's"}">${inner}</p>`.text, `<p title="it&#39;s">${inner.text}</p>`);
  t.equal(markup`${[inner, inner]}${7}`.text, `${inner.text}${inner.text}7`);
  t.end();
});

await t.test('JSON cannot end the element that it is in, and is read back the same', (t) => {
  const hostile = { '</script>': '<!-- <script> \u2028\u2029 & ]]>', gaps: [1, null, 2] };
  const { text } = scriptJson(hostile);
  t.notMatch(text, /[<>&\u2028\u2029]/);
  t.same(JSON.parse(text), hostile);
  t.end();
});
