/*
 * The process that ClickHouse lives in. `chdb_query_cmdline` runs `clickhouse local` inside the calling
 * process; its query opens the ports and then reads standard input to the end, so the server
 * stays up until the parent closes that, or dies. ('stdin' is the descriptor itself: a path such as
 * /dev/stdin cannot be opened when the parent's end is a socket.)
 */
import { DataType, load, open } from 'ffi-rs';

const [library, config, dataDir, httpPort, tcpPort] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
];

const args = [
  'clickhouse',
  '--config-file',
  config,
  '--path',
  dataDir,
  '--http_port',
  httpPort,
  '--tcp_port',
  tcpPort,
  '--listen-host',
  '127.0.0.1',
  '--query',
  'SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP;' +
    " SELECT count() FROM file('stdin', 'LineAsString') FORMAT Null",
];

open({ library: 'chdb', path: library });
const status = load({
  library: 'chdb',
  funcName: 'chdb_query_cmdline',
  retType: DataType.I32,
  paramsType: [DataType.I32, DataType.StringArray],
  paramsValue: [args.length, args],
});
process.exit(status);
