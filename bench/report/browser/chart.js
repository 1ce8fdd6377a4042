/*
 * How a chart looks, as options of uPlot. One of the modules that `page.ts` puts into the page.
 */

import { axisLabels, increments, logarithmicLabels, logarithmicSplits } from './quantity.js';

const NARROW_PX = 480;
const HEIGHT_PX = { narrow: 190, wide: 230 };
const POINTS_PER_PX_DENSE = 0.7;
const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** The colour of that name in the scheme, light or dark, that the reader prefers. */
function colourOf(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function translucent(colour, percent) {
  return `color-mix(in srgb, ${colour} ${percent}%, transparent)`;
}

/**
 * What a chart draws: layers are summed up from the bottom, and what is switched off is left out.
 *
 * @returns the values by series, and bands, each between a layer and the one below it that is shown
 */
export function stacked(series, shown) {
  const bands = [];
  let below;
  let sum = [];
  const values = series.map((each, i) => {
    if (each.look !== 'layer' || !shown[i]) return each.values;
    sum = each.values.map((value, at) => (value ?? 0) + (sum[at] ?? 0));
    if (below !== undefined) bands.push({ series: [i + 1, below] });
    below = i + 1;
    return sum;
  });
  return { values, bands };
}

/** A value between two gaps, which no line would show. */
function isolated(values) {
  const found = [];
  values.forEach((value, i) => {
    const isAlone = (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    if (value !== null && isAlone) found.push(i);
  });
  return found;
}

function seriesOptions({ label, colour, look, values }, width) {
  const isLayer = look === 'layer';
  // Lines that touch each other are one blot.
  const isDense = values.length > width * POINTS_PER_PX_DENSE;
  return {
    label,
    width: isLayer || isDense ? 1 : look === 'dashed' ? 1.5 : 2,
    ...(isLayer && isDense ? {} : { stroke: () => colourOf(colour) }),
    ...(isLayer ? { fill: () => translucent(colourOf(colour), 72) } : {}),
    ...(look === 'dashed' ? { dash: [5, 4] } : {}),
    points: { show: true, size: 4, filter: () => (isLayer ? [] : isolated(values)) },
  };
}

function xAxis(unit) {
  return {
    stroke: () => colourOf('muted'),
    grid: { show: false },
    ticks: { stroke: () => colourOf('line'), width: 1, size: 5 },
    font: FONT,
    space: 64,
    size: 30,
    incrs: increments(unit),
    values: (_, splits) => axisLabels(unit, splits),
  };
}

function yAxis(unit, logarithmicFrom) {
  const isLog = logarithmicFrom !== undefined;
  return {
    stroke: () => colourOf('muted'),
    grid: { stroke: () => colourOf('line'), width: 1 },
    ticks: { show: false },
    font: FONT,
    gap: 6,
    space: 36,
    size: widthOfLabels,
    incrs: increments(unit),
    values: (_, splits) => (isLog ? logarithmicLabels : axisLabels)(unit, splits),
    ...(isLog
      ? {
          splits: (_, __, ___, max) => logarithmicSplits(unit, logarithmicFrom, max),
          filter: (_, splits) => splits,
        }
      : {}),
  };
}

function widthOfLabels(chart, labels) {
  if (labels === null || labels === undefined) return 40;
  chart.ctx.save();
  chart.ctx.font = FONT;
  const widths = labels.map((label) => chart.ctx.measureText(label ?? '').width);
  chart.ctx.restore();
  return Math.ceil(Math.max(...widths)) + 12;
}

/** From 0, with room above; an empty chart goes to 1. */
function yRange(_, __, max) {
  return [0, max === null || max <= 0 ? 1 : max * 1.08];
}

/** Shades parts of the x axis, below everything else, and writes their names above them. */
function shade(chart, shaded) {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, 0, bbox.width, bbox.top + bbox.height);
  ctx.clip();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = 'bottom';
  ctx.textAlign = 'left';
  for (const { from, to, label } of shaded) {
    const left = Math.max(bbox.left, chart.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, chart.valToPos(to, 'x', true));
    ctx.fillStyle = colourOf('shade');
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    ctx.fillStyle = colourOf('muted');
    if (ctx.measureText(label).width < right - left)
      ctx.fillText(label, left, bbox.top - 2 * ratio);
  }
  ctx.restore();
}

export function chartOptions({ grid, chart, shown, isLog, width, key, onCursor }) {
  const height = width < NARROW_PX ? HEIGHT_PX.narrow : HEIGHT_PX.wide;
  const from = isLog ? chart.logarithmicFrom : undefined;
  return {
    width,
    height,
    legend: { show: false },
    padding: [18, 20, 0, 0],
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: true, y: false, dist: 8 },
      sync: { key, scales: ['x', null] },
    },
    scales: {
      x: { time: false },
      y: isLog ? { distr: 4, asinh: from, range: yRange } : { range: yRange },
    },
    axes: [xAxis(grid.xUnit), yAxis(chart.unit, from)],
    series: [
      {},
      ...chart.series.map((each, i) => ({ ...seriesOptions(each, width), show: shown[i] })),
    ],
    bands: stacked(chart.series, shown).bands,
    hooks: { drawClear: [(self) => shade(self, grid.shaded)], setCursor: [onCursor] },
  };
}
