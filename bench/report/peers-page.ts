import { bytes, count } from '../../cli/up/quantity.ts';
import { PEERS } from '../peers/peer.ts';
import type { PeersReport } from '../peers/peers-report.ts';
import { cpuMicros } from './load-summary.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { page } from './page.ts';
import { figuresOf, fleetOf, NAMES, OTHERS, partsOf, stagesOf } from './peers-summary.ts';
import { times, verdictOf, versionsOf } from './peers-summary.ts';
import type { Figure, FigureGroup } from './peers-summary.ts';

/** A comparison as one file of HTML that needs nothing else. */
export function peersPage(report: PeersReport): string {
  return page({
    title: `Rollcall beside its peers: ${fleetOf(report)}`,
    body: markup`${head(report)}<main>
${figuresOf(report).map(group)}${parts(report)}${machine(report)}</main>
`,
  });
}

function head(report: PeersReport): Markup {
  const { label, tone } = verdictOf(report);
  return markup`<header>
<p class="kind">Rollcall <span>beside its peers</span></p>
<h1>${fleetOf(report)}</h1>
<p class="verdict ${tone}"><span class="mark"></span>${label}</p>
<ul class="facts">${[...stagesOf(report), ...report.problems].map(
    (each) => markup`<li>${each}</li>`,
  )}</ul>
</header>
`;
}

function group({ title, figures }: FigureGroup): Markup {
  const others = OTHERS.map((name) => `${NAMES[name]} ÷ Rollcall`);
  const titles = [...PEERS.map((name) => NAMES[name]), ...others];
  return markup`<section class="card bill">
<h2>${title}</h2>
<table>
<thead><tr><th></th>${titles.map((each) => markup`<th>${each}</th>`)}</tr></thead>
<tbody>
${figures.map(row)}</tbody>
</table>
</section>
`;
}

function row({ label, texts, ratios }: Figure): Markup {
  const cells = [...texts, ...ratios.map(times)];
  return markup`<tr><th scope="row">${label}</th>${cells.map((cell) => markup`<td>${cell}</td>`)}</tr>
`;
}

function parts(report: PeersReport): Markup {
  const all = partsOf(report);
  if (all.length === 0) return markup``;
  const { drain_us_per_sample: drain = 0 } = report.peers.rollcall.ingest ?? {};
  return markup`<section class="card bill">
<h2>Rollcall’s parts</h2>
<table>
<thead><tr><th></th><th>µs a sample</th><th>idling, cores</th><th>memory, peak</th></tr></thead>
<tbody>
${all.map(
  (
    part,
  ) => markup`<tr><th scope="row">${part.part}</th><td>${cpuMicros(part.cpu_us_per_sample)}</td><td>${part.idle_cores.toFixed(3)}</td><td>${bytes(part.rss_peak_bytes)}</td></tr>
`,
)}<tr><th scope="row">drain</th><td>${cpuMicros(drain)}</td><td></td><td></td></tr>
</tbody>
</table>
</section>
`;
}

function machine(report: PeersReport): Markup {
  const { cores, cpu, memory_bytes: memory, kernel, commit } = report.machine;
  const facts = [
    ['Processor', `${count(cores)} cores, ${cpu}`],
    ['Memory', bytes(memory)],
    ['Kernel', kernel],
    ['Programs', versionsOf(report)],
    ['Commit', commit],
  ] as const;
  return markup`<section class="card machine"><h2>Measured on</h2><dl>${facts.map(
    ([label, value]) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>`,
  )}</dl></section>
`;
}
