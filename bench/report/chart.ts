import { markup, scriptJson } from './markup.ts';
import type { Markup } from './markup.ts';

/** Of which there is a light and a dark shade in `browser/page.css`. */
export type Colour = 'blue' | 'sky' | 'gold' | 'orange' | 'purple' | 'grey' | 'ink';

/** How values and axes are written; see `browser/quantity.js`. */
export type Unit = 'count' | 'bytes' | 'milliseconds' | 'seconds' | 'cores';

export interface ChartSeries {
  readonly label: string;
  readonly colour: Colour;
  /** As many as there are positions in the grid's `x`; undefined is a gap. */
  readonly values: readonly (number | undefined)[];
  /** In a stacked chart lines lie over the stack and are no part of it. Default: layer in a stacked chart. */
  readonly look?: 'layer' | 'line' | 'dashed';
}

export interface Chart {
  readonly title: string;
  /** What a reader must know to read it, in a few words. */
  readonly note?: string;
  readonly unit: Unit;
  /** From the bottom to the top if stacked. */
  readonly series: readonly ChartSeries[];
  readonly isStacked?: boolean;
  /** As wide as two. */
  readonly isWide?: boolean;
  /** Below this a logarithmic axis is linear, as is zero. Without it there is none to choose. */
  readonly logarithmicFrom?: number;
}

/** A part of the x axis that is shaded and named. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

/** Charts over one x axis, with one crosshair. */
export interface ChartGrid {
  /** Ascending. */
  readonly x: readonly number[];
  readonly xUnit: Unit;
  readonly shaded?: readonly Span[];
  /** Where means are taken that legends show while nothing is pointed at. Default: everywhere. */
  readonly meansOver?: Omit<Span, 'label'>;
  readonly charts: readonly Chart[];
}

const DIGITS = 6;

export function chartGrid(grid: ChartGrid): Markup {
  const { x, xUnit, shaded = [], charts } = grid;
  const { from, to } = grid.meansOver ?? { from: x.at(0) ?? 0, to: x.at(-1) ?? 0 };
  const data = {
    x: x.map(rounded),
    xUnit,
    shaded,
    meansOver: { from, to },
    charts: charts.map(({ unit, series, isStacked = false, logarithmicFrom }) => ({
      unit,
      logarithmicFrom,
      series: series.map(({ label, colour, values, look }) => ({
        label,
        colour,
        look: look ?? (isStacked ? 'layer' : 'line'),
        values: values.map(rounded),
      })),
    })),
  };
  return markup`<section class="grid">
<script type="application/json">${scriptJson(data)}</script>
${charts.map(figure)}</section>
`;
}

/** Six digits are more than anybody can see; a run of half an hour has 50,000 values. */
function rounded(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(DIGITS));
}

function figure(chart: Chart): Markup {
  const { title, note = '', series, isWide = false, logarithmicFrom } = chart;
  const choice =
    logarithmicFrom === undefined
      ? []
      : [markup`<button type="button" class="logarithmic" aria-pressed="false">log</button>`];
  return markup`<figure class="card chart${isWide ? ' wide' : ''}">
<figcaption><h3>${title}</h3><span class="note">${note}</span>${choice}</figcaption>
<div class="legend"><span class="at"></span>${series.map(legendEntry)}</div>
<div class="plot" role="img" aria-label="${title} over time"></div>
</figure>
`;
}

function legendEntry({ label, colour, look }: ChartSeries): Markup {
  const key = look === 'dashed' ? `key dashed ${colour}` : `key ${colour}`;
  return markup`<button type="button" aria-pressed="true"><i class="${key}"></i>${label}<b></b></button>`;
}
