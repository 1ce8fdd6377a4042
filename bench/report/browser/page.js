/*
 * Brings the page to life: draws the charts of each section, with legends and a tooltip. One of the modules that
 * `page.ts` puts into the page.
 */

import { chartOptions, stacked } from './chart.js';
import { quantity } from './quantity.js';

const TIP_DISTANCE_PX = 14;

for (const [index, section] of document.querySelectorAll('section.grid').entries()) {
  const grid = JSON.parse(section.querySelector('script').textContent);
  // The crosshairs of all charts of a section move together.
  const key = `section-${index}`;
  section.querySelectorAll('figure.chart').forEach((figure, i) => {
    start(figure, grid, grid.charts[i], key);
  });
}

/** Draws a chart into its figure, and again whenever its width, its choices or the colours change. */
function start(figure, grid, chart, key) {
  const plot = figure.querySelector('.plot');
  if (grid.x.length === 0) {
    plot.textContent = 'nothing was measured';
    return;
  }
  const entries = [...figure.querySelectorAll('.legend button')];
  const logarithmic = figure.querySelector('.logarithmic');
  const shown = chart.series.map(() => true);
  const means = chart.series.map(({ values }) => meanOf(values, grid));
  const tip = tooltip(plot, chart);
  let drawn;
  let isLog = false;

  const showLegend = (at) => {
    const isAnywhere = at !== null && at !== undefined;
    figure.querySelector('.at').textContent = isAnywhere
      ? quantity(grid.xUnit, grid.x[at])
      : 'mean';
    chart.series.forEach(({ values }, i) => {
      const value = isAnywhere ? values[at] : means[i];
      entries[i].querySelector('b').textContent = quantity(chart.unit, value);
    });
  };
  const draw = () => {
    const zoom = { ...drawn?.scales.x };
    drawn?.destroy();
    const width = plot.clientWidth;
    const onCursor = (self) => {
      showLegend(self.cursor.idx);
      tip.show(self, shown, quantity(grid.xUnit, grid.x[self.cursor.idx]));
    };
    const options = chartOptions({ grid, chart, shown, isLog, width, key, onCursor });
    drawn = new uPlot(options, [grid.x, ...stacked(chart.series, shown).values], plot);
    if (typeof zoom.min === 'number') drawn.setScale('x', { min: zoom.min, max: zoom.max });
    followFingers(drawn);
  };

  entries.forEach((entry, i) => {
    entry.addEventListener('click', () => {
      shown[i] = !shown[i];
      entry.setAttribute('aria-pressed', String(shown[i]));
      draw();
    });
  });
  logarithmic?.addEventListener('click', () => {
    isLog = !isLog;
    logarithmic.setAttribute('aria-pressed', String(isLog));
    draw();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn.redraw(false));
  showLegend(null);
  new ResizeObserver(() => {
    if (plot.clientWidth > 0 && drawn?.width !== plot.clientWidth) draw();
  }).observe(plot);
}

function meanOf(values, { x, meansOver }) {
  const counted = values.filter(
    (value, i) => value !== null && x[i] >= meansOver.from && x[i] <= meansOver.to,
  );
  if (counted.length === 0) return null;
  return counted.reduce((sum, value) => sum + value, 0) / counted.length;
}

/** A finger that moves sideways moves the crosshair; up and down it scrolls the page. */
function followFingers(chart) {
  chart.over.addEventListener('touchmove', (event) => {
    const { clientX, clientY } = event.touches[0];
    chart.over.dispatchEvent(new MouseEvent('mousemove', { clientX, clientY, bubbles: true }));
  });
}

/** The box beside the crosshair that says what all series are there. */
function tooltip(plot, chart) {
  const box = document.createElement('div');
  box.className = 'tip';
  box.hidden = true;
  let isPointedAt = false;
  for (const event of ['pointerenter', 'pointerdown']) {
    plot.addEventListener(event, () => {
      isPointedAt = true;
    });
  }
  plot.addEventListener('pointerleave', () => {
    isPointedAt = false;
    box.hidden = true;
  });
  plot.append(box);
  return {
    show(self, shown, position) {
      const { idx, left } = self.cursor;
      box.hidden = !isPointedAt || idx === null || idx === undefined || left < 0;
      if (box.hidden) return;
      box.replaceChildren(...tooltipRows(chart, shown, idx, position));
      const at = self.over.offsetLeft + left;
      const isRight = at + TIP_DISTANCE_PX + box.offsetWidth > plot.clientWidth;
      const moved = isRight ? at - TIP_DISTANCE_PX - box.offsetWidth : at + TIP_DISTANCE_PX;
      box.style.transform = `translate(${Math.max(0, moved)}px, ${self.over.offsetTop + 8}px)`;
    },
  };
}

/** The position, the series as they lie over each other, and the sum of the layers. */
function tooltipRows({ series, unit }, shown, idx, position) {
  const isShown = (_, i) => shown[i];
  const rows = series
    .filter(isShown)
    .toReversed()
    .map((each) => tooltipRow(each.colour, each.label, quantity(unit, each.values[idx])));
  const layers = series.filter(isShown).filter(({ look }) => look === 'layer');
  const sum = layers.reduce((total, { values }) => total + (values[idx] ?? 0), 0);
  const total = layers.length > 1 ? [tooltipRow(undefined, 'stacked', quantity(unit, sum))] : [];
  const head = document.createElement('strong');
  head.textContent = position;
  return [head, ...rows, ...total];
}

function tooltipRow(colour, label, value) {
  const row = document.createElement('div');
  const key = document.createElement('i');
  key.className = colour === undefined ? 'key none' : `key ${colour}`;
  const name = document.createElement('span');
  name.textContent = label;
  const number = document.createElement('b');
  number.textContent = value;
  row.append(key, name, number);
  return row;
}
