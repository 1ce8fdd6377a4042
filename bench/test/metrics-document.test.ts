import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { bondingFiles } from '../../agent/test/host/bonding.ts';
import { writeHost } from '../../agent/test/host/host-files.ts';
import { richHost } from '../../agent/test/host/rich-host.ts';
import { metricTables } from '../../agent/test/metrics-document.ts';
import { differences } from '../agent/difference.ts';
import { tolerances } from '../agent/tolerance.ts';

const DOCUMENT = new URL('../../docs/metrics.md', import.meta.url);
const KINDS = { absent: 'not with us', more: 'only with us', other: 'another value' } as const;
/** What people write stands before it. */
const WRITTEN =
  '<!-- From here on written by bench/test/metrics-document.test.ts; do not edit. -->\n';

/*
 * `ROLLCALL_WRITE_DOCUMENTS=1 ./rollcall test bench/test/metrics-document.test.ts` writes the tables
 * anew.
 */
await t.test('docs/metrics.md says what the agent does', async (t) => {
  const hosts = [
    writeHost(`${t.testdir({ a: {}, b: {} })}/a`, richHost),
    writeHost(`${t.testdirName}/b`, bondingFiles),
  ];
  const document = readFileSync(DOCUMENT, 'utf8');
  const byHand = document.slice(0, document.indexOf(WRITTEN));
  const written = [
    WRITTEN,
    '## Differences to node_exporter',
    '',
    'The comparison knows these, and fails on any other.',
    '',
    '| series | which | why |',
    '| --- | --- | --- |',
    ...differences.map(
      ({ series, kind, reason }) =>
        `| \`${series.source.replaceAll('|', '\\|')}\` | ${KINDS[kind]} | ${reason} |`,
    ),
    '',
    'Gauges that move between two readings may differ by so much:',
    '',
    '| series | tolerance | why |',
    '| --- | --- | --- |',
    ...tolerances.map(
      ({ metric, relative, absolute, why }) =>
        `| \`${metric.source.replaceAll('|', '\\|')}\` | ` +
        `${[relative && `${relative * 100} %`, absolute].filter(Boolean).join(' or ')} | ${why} |`,
    ),
    '',
    '## Metrics by source',
    '',
    await metricTables(hosts),
  ].join('\n');
  const wanted = byHand + written;
  if (process.env['ROLLCALL_WRITE_DOCUMENTS'] === '1') writeFileSync(DOCUMENT, wanted);
  t.equal(document, wanted, 'written anew with ROLLCALL_WRITE_DOCUMENTS=1');
});
