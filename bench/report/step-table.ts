import { paint } from '../../cli/up/line.ts';
import type { Line } from '../../cli/up/line.ts';
import { layOut } from '../../cli/up/table.ts';
import type { Cell, Column } from '../../cli/up/table.ts';
import { neutralise } from '../../cli/up/text-cell.ts';
import type { StepReport } from '../step/step-report.ts';
import { STEP_TITLES, stepCells } from './step-summary.ts';

const WIDTH = 1000;

/** A step run for a terminal: a line a step, what gave, and the verdict; each line with a line end. */
export function stepTable(report: StepReport, { colour }: { readonly colour: boolean }): string {
  const { steps, verdict, agents_gave: gave } = report;
  const columns: Column[] = STEP_TITLES.map(() => ({ align: 'right' }));
  const head: Cell[] = STEP_TITLES.map((text) => ({ text, style: 'dim' }));
  const body = steps.map((step): Cell[] => {
    const isBad = step.findings.length > 0;
    return stepCells(step).map((text) => (isBad ? { text, style: 'bad' } : { text }));
  });
  const lines: Line[] = [
    ...layOut(columns, [head, ...body], WIDTH),
    [],
    [
      {
        text: neutralise(`${gave === null ? '✓' : '!'} ${verdict}`),
        style: gave === null ? 'good' : 'warning',
      },
    ],
    [{ text: 'clickhouse with its drain; a step that gave is the last', style: 'dim' }],
  ];
  return lines.map((line) => `${paint(line, colour)}\n`).join('');
}
