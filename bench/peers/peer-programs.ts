import type { DebianProgram } from '../../pipeline/embedded/debian-program.ts';

export const prometheusProgram: DebianProgram = {
  package: 'prometheus',
  path: 'usr/bin/prometheus',
  flag: '--prometheus-path',
};

/** Makes blocks of Prometheus out of text. */
export const promtoolProgram: DebianProgram = {
  package: 'prometheus',
  path: 'usr/bin/promtool',
  flag: '--promtool-path',
};

export const victoriaMetricsProgram: DebianProgram = {
  package: 'victoria-metrics',
  path: 'usr/bin/victoria-metrics',
  flag: '--victoria-metrics-path',
};
