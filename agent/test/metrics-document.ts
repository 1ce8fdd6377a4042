import { setTimeout as sleep } from 'node:timers/promises';
import type { Label } from '../../pipeline/wire/catalogue.ts';
import { selection } from '../profile.ts';
import { sourceNames, type SourceName } from '../source-names.ts';
import type { HostPaths, Metric, SeriesSink } from '../source.ts';
import { sourceFactories } from '../sources/index.ts';
import { systemdMetrics } from '../sources/systemd.ts';
import { sourceFiles } from './source-files.ts';

interface Row {
  readonly metric: Metric;
  readonly labels: Set<string>;
}

/** Gathers what a source declares, a row a metric. */
class DeclaredMetrics implements SeriesSink {
  readonly rows = new Map<string, Row>();

  declare(metric: Metric, labels: readonly Label[] = []): number {
    let row = this.rows.get(metric.name);
    if (row === undefined) {
      row = { metric, labels: new Set() };
      this.rows.set(metric.name, row);
    }
    for (const [label] of labels) row.labels.add(label);
    return 0;
  }

  set(): void {}

  malformed(): void {}
}

/** The tables of `docs/metrics.md`: what each source says of hosts that have everything. */
export async function metricTables(hosts: readonly HostPaths[]): Promise<string> {
  const sections: string[] = [];
  for (const name of sourceNames) {
    const sink = new DeclaredMetrics();
    if (name === 'systemd') declareSystemd(sink);
    else for (const host of hosts) await readSource(name, host, sink);
    sections.push(sourceSection(name, sink));
  }
  return sections.join('\n');
}

function declareSystemd(sink: DeclaredMetrics): void {
  for (const [metric, labels] of systemdMetrics) {
    sink.declare(
      metric,
      labels.map((label) => [label, '']),
    );
  }
}

/** What is asked for in the background is there by a later reading. */
async function readSource(name: SourceName, host: HostPaths, sink: DeclaredMetrics): Promise<void> {
  const source = sourceFactories[name](host);
  source.read(sink);
  if (name === 'timex') {
    for (let read = 0; sink.rows.size === 0 && read < 50; read += 1) {
      await sleep(100);
      source.read(sink);
    }
  }
  source.close();
}

function sourceSection(name: SourceName, sink: DeclaredMetrics): string {
  const isStandard = selection({ profile: 'standard' });
  const rows = [...sink.rows.values()]
    .toSorted((a, b) => (a.metric.name < b.metric.name ? -1 : 1))
    .map(({ metric, labels }) => [
      `\`${metric.name}\``,
      [...labels]
        .toSorted()
        .map((label) => `\`${label}\``)
        .join(', '),
      metric.kind,
      metric.unit,
      isStandard(metric.name, name) ? 'standard' : 'full',
      metric.help.replaceAll('|', '\\|'),
    ]);
  const files = sourceFiles[name].map((file) => `\`${file}\``).join(', ');
  const head = `### ${name}\n\nFrom ${files}.\n`;
  return rows.length === 0 ? head : `${head}\n${table(rows)}`;
}

function table(rows: readonly (readonly string[])[]): string {
  const lines = [['metric', 'labels', 'type', 'unit', 'profile', 'what it is'], ...rows].map(
    (cells) => `| ${cells.join(' | ')} |`,
  );
  lines.splice(1, 0, '| --- | --- | --- | --- | --- | --- |');
  return `${lines.join('\n')}\n`;
}
