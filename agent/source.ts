import type { Label, SeriesKind } from '../pipeline/wire/catalogue.ts';

/** What all series of one metric share. */
export interface Metric {
  readonly name: string;
  readonly kind: SeriesKind;
  /** Base unit such as `seconds` or `bytes`, or the empty string. */
  readonly unit: string;
  readonly help: string;
}

/** Where readings go. A slot is declared once and then set at every tick without allocation. */
export interface SeriesSink {
  /** Labels may come in any order. The same metric and labels give the same slot again. */
  declare(metric: Metric, labels?: readonly Label[]): number;
  /** A slot that is not set during a tick is absent from its frame; NaN is a value. */
  set(slot: number, value: number): void;
  /** Counts a kernel file that exists but cannot be understood. */
  malformed(source: string, detail: string): void;
}

/** Where the kernel's and the host's files are; differs from `/proc` in a container or a test. */
export interface HostPaths {
  readonly procfs: string;
  readonly sysfs: string;
  readonly rootfs: string;
}

/**
 * One part of the kernel's figures. `read` is called once a tick and is synchronous; what may
 * block (a network filesystem) is asked for in the background and reported at a later tick. An
 * absent file is an absent metric, never an error.
 */
export interface Source {
  /** The name of node_exporter's collector for the same figures, such as `cpu`. */
  readonly name: string;
  read(sink: SeriesSink): void;
  close(): void;
}

/** What people may change about single sources; what is left out is as node_exporter has it. */
export interface SourceOptions {
  readonly filesystemMountPointsExclude?: RegExp | undefined;
  readonly filesystemTypesExclude?: RegExp | undefined;
  readonly diskDevicesExclude?: RegExp | undefined;
  /** For `netdev` and `netclass`. */
  readonly networkDevicesExclude?: RegExp | undefined;
  /** Directories on the host (below `rootfs`) with the `*.prom` files of `textfile`; none: the default one. */
  readonly textfileDirectories?: readonly string[] | undefined;
  readonly systemdUnitsExclude?: RegExp | undefined;
}

export type SourceFactory = (paths: HostPaths, options?: SourceOptions) => Source;
