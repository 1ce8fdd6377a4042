import { count } from '../../cli/up/quantity.ts';
import { COMPONENTS } from '../load/load-report.ts';
import type { LoadReport } from '../load/load-report.ts';
import type { Step, StepReport } from '../step/step-report.ts';
import { chartGrid } from './chart.ts';
import type { Chart } from './chart.ts';
import { COLOURS } from './load-summary.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import { page } from './page.ts';
import { STEP_TITLES, stepCells } from './step-summary.ts';

/** A step run as one file of HTML that needs nothing else. */
export function stepPage(report: StepReport): string {
  return page({ title: `Rollcall step run: ${report.verdict}`, body: body(report) });
}

function body(report: StepReport): Markup {
  const { steps, verdict, agents_gave: gave, agents_carried: carried } = report;
  const tone = gave === null ? 'good' : 'warning';
  return markup`<header>
<p class="kind">Rollcall <span>step run</span></p>
<h1>${count(carried)} agents carried</h1>
<p class="verdict ${tone}"><span class="mark"></span>${verdict}</p>
<ul class="facts"><li>${report.started_at}</li><li>${report.command}</li></ul>
</header><main>
<section class="card bill">
<h2>Steps <span class="note">µs of CPU a sample, by component; clickhouse with its drain</span></h2>
<table><thead><tr>${STEP_TITLES.map((title) => markup`<th>${title}</th>`)}</tr></thead><tbody>
${steps.map(stepRow)}</tbody></table>
${steps.map(findings)}</section>
${charts(steps)}</main>
`;
}

function stepRow(step: Step): Markup {
  const [agents, ...rest] = stepCells(step);
  return markup`<tr><th scope="row">${agents!}</th>${rest.map((cell) => markup`<td>${cell}</td>`)}</tr>
`;
}

function findings({ agents, findings: all }: Step): Markup {
  if (all.length === 0) return markup``;
  return markup`<p class="hint">What gave at ${count(agents)} agents:</p><ul class="checks">${all.map(
    ({ what, evidence }) =>
      markup`<li class="warning"><span class="mark"></span><b>${what}</b> ${evidence}</li>`,
  )}</ul>
`;
}

/** Over the steps, which stand a doubling apart. */
function charts(steps: readonly Step[]): Markup {
  const loads = steps.flatMap(({ load }) => (load === null ? [] : [load]));
  if (loads.length < 2) return markup``;
  return chartGrid({
    x: loads.map(({ agents }) => agents),
    xUnit: 'count',
    shaded: [],
    meansOver: { from: loads[0]!.agents, to: loads.at(-1)!.agents },
    charts: [cores(loads), latencies(loads)],
  });
}

function cores(loads: readonly LoadReport[]): Chart {
  return {
    title: 'CPU',
    note: 'cores busy, over agents',
    unit: 'cores',
    isStacked: true,
    series: COMPONENTS.map((name) => ({
      label: name,
      colour: COLOURS[name],
      values: loads.map((load) => (load.cpu_us_per_sample[name] * load.samples_per_second) / 1e6),
    })),
  };
}

function latencies(loads: readonly LoadReport[]): Chart {
  return {
    title: 'Latency',
    note: 'p99, over agents',
    unit: 'milliseconds',
    series: [
      {
        label: 'freshness',
        colour: 'blue',
        values: loads.map((load) => load.freshness_ms.p99),
      },
      {
        label: 'alerts',
        colour: 'purple',
        values: loads.map((load) => load.alert_latency_ms.p99),
      },
    ],
  };
}
