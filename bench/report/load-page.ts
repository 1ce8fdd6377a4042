import { bytes, count, MISSING, short } from '../../cli/up/quantity.ts';
import { TREND_SECONDS_MIN } from '../load/load-report.ts';
import type { LoadReport, Quantiles } from '../load/load-report.ts';
import { chartGrid } from './chart.ts';
import { loadCharts } from './load-charts.ts';
import { besideCosts, checksOf, conditionsOf, costsOf, cpuMicros, growth } from './load-summary.ts';
import { loadOf, loadOnMachine, machineOf, percent, quantile } from './load-summary.ts';
import { trendsOf, verdictOf } from './load-summary.ts';
import type { Check, Cost } from './load-summary.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { page } from './page.ts';

/** A load run as one file of HTML that needs nothing else. */
export function loadPage(report: LoadReport): string {
  return page({
    title: `Rollcall load run: ${loadOf(report)}`,
    body: markup`${head(report)}<main>
${tiles(report)}${checks(report)}${bill(report)}${chartGrid(loadCharts(report))}${hint()}${machine(report)}</main>
`,
  });
}

function head(report: LoadReport): Markup {
  const { label, tone } = verdictOf(report);
  return markup`<header>
<p class="kind">Rollcall <span>load run</span></p>
<h1>${loadOf(report)}</h1>
<p class="verdict ${tone}"><span class="mark"></span>${label}</p>
<ul class="facts">${conditionsOf(report).map((each) => markup`<li>${each}</li>`)}</ul>
</header>
`;
}

function tiles(report: LoadReport): Markup {
  const { cpu_us_per_sample: cpu, samples_per_second: rate, rss_peak_bytes: peak } = report;
  const [onDisk, onDiskUnit] = amount(bytes(report.disk_bytes_per_sample));
  const coresUsed = (cpu.total * rate) / 1e6;
  return markup`<section class="tiles">
${[
  tile('Throughput', short(rate), 'samples/s', [
    `${short(report.samples_sent)} sent`,
    `${short(report.samples_stored)} stored`,
  ]),
  tile('CPU per sample', cpuMicros(cpu.total), 'µs', [
    `${coresUsed.toFixed(2)} of ${report.machine.cores} cores, drain included`,
  ]),
  latency('Freshness', report.freshness_ms),
  latency('Alert latency', report.alert_latency_ms),
  tile('Memory, peak', ...amount(bytes(peak.total)), [
    `${bytes(peak.total / report.agents)} an agent`,
    `${bytes(report.collector_bytes_per_connection)} of a collector’s a connection`,
  ]),
  tile('On disk', onDisk, `${onDiskUnit} a sample`, [
    `${bytes(report.wire_bytes_per_sample)} on the wire`,
  ]),
]}</section>
`;
}

function latency(title: string, quantiles: Quantiles): Markup {
  const [number, unit] = amount(quantile(quantiles, 'p99'));
  return tile(title, number, `${unit} p99`, [
    `p50 ${quantile(quantiles, 'p50')}`,
    `max ${quantile(quantiles, 'max')}`,
  ]);
}

/** A quantity as its number and its unit. */
function amount(text: string): [number: string, unit: string] {
  const [number = MISSING, ...unit] = text.split(' ');
  return [number, unit.join(' ')];
}

function tile(title: string, number: string, unit: string, more: readonly string[]): Markup {
  return markup`<div class="card tile"><h2>${title}</h2>
<p class="figure">${number} <span>${unit}</span></p>
<p class="more">${more.map((each) => markup`<span>${each}</span>`)}</p></div>
`;
}

function checks(report: LoadReport): Markup {
  return markup`<ul class="checks">${checksOf(report).map(checkItem)}</ul>
`;
}

function checkItem({ label, value, tone }: Check): Markup {
  return markup`<li class="${tone}"><span class="mark"></span><b>${count(value)}</b> ${label}</li>`;
}

/** The CPU of a sample as a bar, and below it what each part costs. */
function bill(report: LoadReport): Markup {
  const { cpu_us_per_sample: cpu, rss_peak_bytes: peak } = report;
  const costs = costsOf(report);
  return markup`<section class="card bill">
<h2>What a sample costs <span class="note">µs of CPU, and resident memory</span></h2>
<div class="bar">${costs.map(barPart)}</div>
<div class="columns">
<table>
<thead><tr><th></th><th>µs a sample</th><th>share</th><th>memory, peak</th><th>a minute</th></tr></thead>
<tbody>
${costs.map(costRow)}</tbody>
<tbody class="total">${costRow({ label: 'total', cpuUs: cpu.total, share: 1, rssPeakBytes: peak.total })}</tbody>
<tbody class="beside">
${besideCosts(report).map(costRow)}</tbody>
</table>
<dl>
<div><dt>drain</dt><dd>ClickHouse’s merges after the last sample was stored, until there is nothing left to merge.</dd></div>
<div><dt>simulator</dt><dd>The simulated servers; no part of the total.</dd></div>
<div><dt>machine</dt><dd>All that it was busy with, interrupts included, less what the same servers cost when they
talk to a sink that only acknowledges.</dd></div>
<div><dt>a minute</dt><dd>Growth of resident memory over the second half of the measurement, by least squares;
not said of runs of less than ${TREND_SECONDS_MIN / 60} minutes.</dd></div>
</dl>
</div>
<p class="hint">${[loadOnMachine(report), ...trendsOf(report)].join('; ')}.</p>
</section>
`;
}

function barPart(cost: Cost): Markup {
  const { label, cpuUs, share = 0, colour, isDrain } = cost;
  const title = `${label}: ${cpuMicros(cpuUs)} µs, ${percent(share)}`;
  const looks = isDrain === true ? `${colour} drain` : colour;
  return markup`<span class="${looks}" style="flex-grow:${(share * 1000).toFixed(0)}" title="${title}"></span>`;
}

interface BillRow extends Omit<Cost, 'colour'> {
  readonly colour?: Cost['colour'];
}

function costRow(row: BillRow): Markup {
  const { label, colour, cpuUs, share, rssPeakBytes, rssBytesPerMinute, isDrain } = row;
  const looks = isDrain === true ? `${colour} drain` : (colour ?? 'none');
  const cells = [
    cpuMicros(cpuUs),
    share === undefined ? '' : percent(share),
    rssPeakBytes === undefined ? '' : bytes(rssPeakBytes),
    rssBytesPerMinute === undefined ? '' : growth(rssBytesPerMinute),
  ];
  return markup`<tr><th scope="row"><i class="key ${looks}"></i>${label}</th>${cells.map(
    (cell) => markup`<td>${cell}</td>`,
  )}</tr>
`;
}

function hint(): Markup {
  return markup`<p class="hint">Drag over a chart to zoom in, double-click to zoom out. Names in a legend switch a
line off and on.</p>
<noscript><p class="hint">The charts need JavaScript; it is in this file.</p></noscript>
`;
}

function machine(report: LoadReport): Markup {
  const facts = machineOf(report).map(
    ([label, value]) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>`,
  );
  return markup`<section class="card machine"><h2>Measured on</h2><dl>${facts}</dl></section>
`;
}
