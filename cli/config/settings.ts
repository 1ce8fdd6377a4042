import { profiles } from '../../agent/profile.ts';
import { sourceNames, type SourceName } from '../../agent/source-names.ts';
import { address, natsServer, url } from './network-type.ts';
import { listSetting, section, setting, type ValuesOf } from './setting.ts';
import {
  boolean,
  bytes,
  choice,
  duration,
  integer,
  path,
  pattern,
  port,
  text,
  type ValueType,
} from './value-type.ts';

/*
 * Every setting there is, said once. Flags, variables, YAML keys, help texts, the reference and
 * the type of the configuration follow from this table. A key is the name that the code reads;
 * the key of a duration says `Ms`, which is left out wherever people write the unit themselves.
 */

const general = section('General', 'What every component shares.', {
  fleet: setting(text({ pattern: /^[a-z0-9_]{1,32}$/, range: '[a-z0-9_]{1,32}' }), {
    default: 'rollcall',
    help: 'Name that prefixes every NATS subject and stream and names the ClickHouse database.',
  }),
  logLevel: setting(choice(['trace', 'debug', 'info', 'warn', 'error'], 'level'), {
    default: 'info',
    help: 'Least severe log lines that are written.',
  }),
  member: setting(text({ pattern: /^[\w.-]{1,64}$/, range: '[A-Za-z0-9_.-]{1,64}' }), {
    unset: "the host's name",
    help: 'Name of this process among those of its kind; two on one host need two names.',
  }),
  dataDir: setting(path(), {
    default: './data',
    help: 'Folder for the data of servers that Rollcall starts itself.',
  }),
});

const nats = section(
  'NATS',
  'The JetStream servers and the streams on them.',
  {
    servers: listSetting(natsServer(), {
      default: 'nats://127.0.0.1:4222',
      help: 'Servers to connect to, any one of which is enough.',
    }),
    user: setting(text(), { help: 'User name.' }),
    password: setting(text(), { secret: true, help: 'Password of the user.' }),
    token: setting(text(), { secret: true, help: 'Token, instead of a user.' }),
    credsFile: setting(path(), {
      help: 'File with a JWT and an NKey seed, instead of a user.',
    }),
    tlsCaFile: setting(path(), {
      unset: "the system's authorities",
      help: "PEM file with the authorities that may sign the servers' certificates.",
    }),
    tlsCertFile: setting(path(), { help: 'PEM file with the client certificate.' }),
    tlsKeyFile: setting(path(), { help: 'PEM file with the key of the client certificate.' }),
    lanes: setting(integer({ min: 1, max: 64, unit: 'streams' }), {
      default: '1',
      help: 'Streams that frames are spread over, one or more for each writer; another number starts new streams.',
    }),
    laneStreamBytesMax: setting(bytes({ min: '1MiB', max: '64TiB' }), {
      default: '4GiB',
      help: 'Size of the stream of one lane, above which collectors stop acknowledging.',
    }),
    logStreamBytesMax: setting(bytes({ min: '1MiB', max: '1TiB' }), {
      default: '256MiB',
      help: 'Size of the stream of alert transitions and other logs.',
    }),
    duplicateWindowMs: setting(duration({ min: '1s', max: '1d' }), {
      default: '2m',
      help: 'How long a stream recognises a batch that is published again.',
    }),
    replicas: setting(choice([1, 3, 5], 'number'), {
      default: '1',
      help: 'Servers that hold a copy of every stream.',
    }),
  },
  [
    { kind: 'needs', first: 'user', second: 'password' },
    { kind: 'needs', first: 'password', second: 'user' },
    { kind: 'not_both', first: 'token', second: 'user' },
    { kind: 'not_both', first: 'credsFile', second: 'user' },
    { kind: 'not_both', first: 'credsFile', second: 'token' },
    { kind: 'needs', first: 'tlsCertFile', second: 'tlsKeyFile' },
    { kind: 'needs', first: 'tlsKeyFile', second: 'tlsCertFile' },
  ],
);

const clickhouse = section('ClickHouse', 'The database.', {
  url: setting(url(), { default: 'http://127.0.0.1:8123', help: 'HTTP interface.' }),
  user: setting(text(), { default: 'default', help: 'User name.' }),
  password: setting(text(), { secret: true, help: 'Password of the user.' }),
  requestTimeoutMs: setting(duration({ min: '100ms', max: '1h' }), {
    default: '30s',
    help: 'Time after which a request without an answer has failed.',
  }),
  retentionMs: setting(duration({ min: '1h', max: '3650d' }), {
    default: '7d',
    help: 'Age at which samples are deleted.',
  }),
  framesRetentionMs: setting(duration({ min: '2d', max: '3650d' }), {
    default: '3d',
    help: 'Age at which the record of which frames were stored is deleted.',
  }),
  rollupMinutesRetentionMs: setting(duration({ min: '1h', max: '3650d' }), {
    default: '90d',
    help: 'Age at which minimum, maximum, total, count and last value by the minute are deleted.',
  }),
  rollupHoursRetentionMs: setting(duration({ min: '1h', max: '3650d' }), {
    default: '1095d',
    help: 'Age at which minimum, maximum, total, count and last value by the hour are deleted.',
  }),
});

const tls = section(
  'TLS',
  'The connections between collectors and agents.',
  {
    certFile: setting(path(), { help: 'PEM file with the certificate of this side.' }),
    keyFile: setting(path(), { help: 'PEM file with the key of the certificate.' }),
    caFile: setting(path(), {
      help: "PEM file with the authorities that may sign the other side's certificate.",
    }),
    insecure: setting(boolean(), {
      flag: 'insecure',
      default: 'false',
      help: 'Allow plain TCP to and from addresses other than loopback.',
    }),
  },
  [
    { kind: 'needs', first: 'certFile', second: 'keyFile' },
    { kind: 'needs', first: 'keyFile', second: 'certFile' },
  ],
);

const agent = section('Agent', 'What runs on every server.', {
  listen: setting(address(), {
    default: '127.0.0.1:7101',
    help: 'Address that collectors dial.',
  }),
  metricsListen: setting(address(), {
    unset: 'off',
    help: "Address that serves the readings and the agent's own metrics in Prometheus format.",
  }),
  ringBytesMax: setting(bytes({ min: '64KiB', max: '1GiB' }), {
    default: '4MiB',
    help: 'Memory for unacknowledged frames; when it is full the oldest is dropped.',
  }),
  seriesMax: setting(integer({ min: 1, max: 15_000, unit: 'series' }), {
    default: '5000',
    help: 'Series of this host; further ones are refused and counted.',
  }),
  connectionsMax: setting(integer({ min: 1, max: 1024, unit: 'connections' }), {
    default: '16',
    help: 'Connections held at once; further ones are refused.',
  }),
  pathProcfs: setting(path(), { default: '/proc', help: 'Where procfs is mounted.' }),
  pathSysfs: setting(path(), { default: '/sys', help: 'Where sysfs is mounted.' }),
  pathRootfs: setting(path(), { default: '/', help: "Where the host's root is mounted." }),
  profile: setting(choice(profiles, 'profile'), {
    default: 'standard',
    help: 'Metrics that are kept: what common rules and dashboards ask for, or all.',
  }),
  include: setting(pattern({ whole: true }), {
    help: 'Metrics to keep besides those of the profile, such as node_softnet_.*.',
  }),
  exclude: setting(pattern({ whole: true }), {
    help: 'Metrics to leave out, whatever else says that they are kept.',
  }),
  sources: listSetting(sourceName(), {
    default: '',
    unset: 'all',
    help: 'Sources that are read, such as cpu,meminfo.',
  }),
  sourcesExclude: listSetting(sourceName(), {
    default: '',
    unset: 'none',
    help: 'Sources that are not read, such as systemd.',
  }),
  textfileDirectories: listSetting(path(), {
    default: '',
    unset: '/var/lib/prometheus/node-exporter, which may be missing',
    help: 'Folders on the host whose *.prom files are read.',
  }),
  filesystemMountPointsExclude: setting(pattern({ whole: false }), {
    unset: 'those of the system itself',
    help: 'Mount points that are left out.',
  }),
  filesystemTypesExclude: setting(pattern({ whole: false }), {
    unset: 'types without storage of their own',
    help: 'Types of filesystems that are left out.',
  }),
  diskDevicesExclude: setting(pattern({ whole: false }), {
    unset: 'partitions, RAM and loop devices',
    help: 'Block devices that are left out.',
  }),
  networkDevicesExclude: setting(pattern({ whole: false }), {
    help: 'Network devices that are left out, such as ^veth.',
  }),
  systemdUnitsExclude: setting(pattern({ whole: true }), {
    unset: 'automounts, devices, mounts, scopes and slices',
    help: 'Units of systemd that are left out.',
  }),
});

function sourceName(): ValueType<SourceName> {
  return choice(sourceNames, 'source');
}

const collector = section(
  'Collector',
  'What dials the agents and publishes their frames.',
  {
    workers: setting(integer({ min: 0, max: 256, unit: 'threads' }), {
      default: '0',
      help: 'Worker threads; 0 is one fewer than the cores, at least one.',
    }),
    dialsPerSecond: setting(integer({ min: 1, max: 100_000, unit: 'connections/s' }), {
      default: '1000',
      help: 'Connections that this collector opens in a second.',
    }),
    dialsInFlightMax: setting(integer({ min: 1, max: 65_536, unit: 'connections' }), {
      default: '512',
      help: 'Connections that are being opened at once.',
    }),
    connectTimeoutMs: setting(duration({ min: '10ms', max: '5m' }), {
      default: '3s',
      help: 'Time for a TCP connection to open.',
    }),
    handshakeTimeoutMs: setting(duration({ min: '10ms', max: '5m' }), {
      default: '5s',
      help: 'Time from the open connection to the subscription, TLS included.',
    }),
    backoffMsMin: setting(duration({ min: '1ms', max: '1h' }), {
      default: '250ms',
      help: 'Shortest wait before an agent is dialled again.',
    }),
    backoffMsMax: setting(duration({ min: '1ms', max: '1h' }), {
      default: '10s',
      help: 'Longest wait before an agent is dialled again.',
    }),
    batchBytesMax: setting(bytes({ min: '4KiB', max: '8MiB' }), {
      default: '512KiB',
      help: 'Size at which a batch is published; the NATS max_payload must allow it.',
    }),
    batchDelayMsMax: setting(duration({ min: '1ms', max: '10s' }), {
      default: '100ms',
      help: 'Age at which a batch is published even if it is small.',
    }),
    publishBytesInFlightMax: setting(bytes({ min: '4KiB', max: '4GiB' }), {
      default: '16MiB',
      help: 'Batches of one worker that JetStream has not acknowledged; above it agents wait.',
    }),
    creditBytes: setting(bytes({ min: '4KiB', max: '64MiB' }), {
      default: '256KiB',
      help: 'What an agent may send on one connection before the collector has taken it.',
    }),
    clockSkewMsMax: setting(duration({ min: '1s', max: '1d' }), {
      default: '2h',
      help: "Difference to the collector's clock beyond which a frame is quarantined.",
    }),
    metricsListen: setting(address(), {
      default: '127.0.0.1:7102',
      help: "Address that serves the collector's own metrics.",
    }),
  },
  [
    { kind: 'at_most', first: 'backoffMsMin', second: 'backoffMsMax' },
    { kind: 'at_most', first: 'batchBytesMax', second: 'publishBytesInFlightMax' },
  ],
);

const writer = section(
  'Writer',
  'What inserts frames into ClickHouse.',
  {
    flushIntervalMs: setting(duration({ min: '10ms', max: '10m' }), {
      default: '1500ms',
      help: 'Time between two inserts of a lane; up to four times as much when they take long.',
    }),
    flushBytesMax: setting(bytes({ min: '64KiB', max: '1GiB' }), {
      default: '64MiB',
      help: 'Bytes of one insert of a lane; a lane that has as many does not wait for its time.',
    }),
    bufferBytesMax: setting(bytes({ min: '64KiB', max: '64GiB' }), {
      default: '256MiB',
      help: 'Frames of a lane in memory that are not inserted; above it no more are fetched.',
    }),
    closingBytesMax: setting(bytes({ min: '64KiB', max: '64GiB' }), {
      default: '1GiB',
      help: 'Frames of a lane in memory whose minute is not over; above it they are stored by part of a minute.',
    }),
    closingSpanMs: setting(duration({ min: '1s', max: '1m' }), {
      default: '1m',
      help: 'How often the frames of a lane are stored for good; less than a minute makes more rows.',
    }),
    frameMemoryMs: setting(duration({ min: '1m', max: '7d' }), {
      default: '1h',
      help: 'How long a silent agent is remembered; its next frame then costs a lookup.',
    }),
    metricsListen: setting(address(), {
      default: '127.0.0.1:7103',
      help: "Address that serves the writer's own metrics.",
    }),
  },
  [{ kind: 'at_most', first: 'flushBytesMax', second: 'bufferBytesMax' }],
);

const alerter = section(
  'Alerter',
  'What evaluates rules and notifies people.',
  {
    webhooks: listSetting(url({ credentials: true }), {
      default: '',
      secret: true,
      help: 'URLs that every notification is posted to.',
    }),
    externalUrl: setting(url(), {
      help: 'URL under which people reach Rollcall, for links in notifications.',
    }),
    notifyTimeoutMs: setting(duration({ min: '100ms', max: '5m' }), {
      default: '10s',
      help: 'Time after which a notification without an answer has failed.',
    }),
    retryBackoffMsMin: setting(duration({ min: '10ms', max: '1h' }), {
      default: '1s',
      help: 'Shortest wait before a failed notification is sent again.',
    }),
    retryBackoffMsMax: setting(duration({ min: '10ms', max: '1d' }), {
      default: '1m',
      help: 'Longest wait before a failed notification is sent again.',
    }),
    alertsPerRuleMax: setting(integer({ min: 1, max: 10_000_000, unit: 'alerts' }), {
      default: '10000',
      help: 'Alerts of one rule that may be pending or firing in one lane; no more are made.',
    }),
    alertsMax: setting(integer({ min: 1, max: 10_000_000, unit: 'alerts' }), {
      default: '100000',
      help: 'Alerts of all rules that may be pending or firing in one lane; no more are made.',
    }),
    stalenessMs: setting(duration({ min: '1s', max: '1d' }), {
      default: '5m',
      help: 'Age at which the last value of a series no longer counts.',
    }),
    checkpointIntervalMs: setting(duration({ min: '100ms', max: '10m' }), {
      default: '1s',
      help: 'Time between two records of the position in a lane.',
    }),
    metricsListen: setting(address(), {
      default: '127.0.0.1:7104',
      help: "Address that serves the alerter's own metrics.",
    }),
  },
  [
    { kind: 'at_most', first: 'retryBackoffMsMin', second: 'retryBackoffMsMax' },
    { kind: 'at_most', first: 'alertsPerRuleMax', second: 'alertsMax' },
  ],
);

const up = section(
  'Up',
  'Everything on one machine: `rollcall up`.',
  {
    natsPort: setting(port(), { default: '4222', help: 'Port of the NATS server.' }),
    clickhouseHttpPort: setting(port(), {
      default: '8123',
      help: "Port of ClickHouse's HTTP interface.",
    }),
    clickhouseTcpPort: setting(port(), {
      default: '9000',
      help: "Port of ClickHouse's native protocol.",
    }),
    natsServerPath: setting(path(), {
      unset: 'searched for',
      help: 'The nats-server program.',
    }),
    rulesFile: setting(path(), {
      help: 'File with alert rules, beside the default ones that are loaded when there are none.',
    }),
    intervalMs: setting(duration({ min: '100ms', max: '1h' }), {
      default: '5s',
      help: 'Time between two frames of a target.',
    }),
  },
  [
    { kind: 'differ', first: 'natsPort', second: 'clickhouseHttpPort' },
    { kind: 'differ', first: 'natsPort', second: 'clickhouseTcpPort' },
    { kind: 'differ', first: 'clickhouseHttpPort', second: 'clickhouseTcpPort' },
  ],
);

export const sections = {
  general,
  nats,
  clickhouse,
  tls,
  agent,
  collector,
  writer,
  alerter,
  up,
} as const;

export type SectionName = keyof typeof sections;

/** The whole configuration; a program gets the sections that it asked for. */
export type Config = { readonly [Name in SectionName]: ValuesOf<(typeof sections)[Name]> };
