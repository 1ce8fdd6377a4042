import { dayText } from './clickhouse-blocks.ts';
import type { ClickHouseTables, HidingTable, RecentTable } from './clickhouse-tables.ts';

type Parameters = Readonly<Record<string, unknown>>;
/** The rows it returns (none for a command), or what is left to do at a later instant. */
type Result = object[] | (() => object[]);

/** A statement as the server carries it out. */
interface Statement {
  readonly pattern: RegExp;
  readonly run: (
    tables: ClickHouseTables,
    parameters: Parameters,
    found: RegExpExecArray,
  ) => Result;
}

/** Every statement the writer uses, told by its text; with another text it is not the same statement. */
const STATEMENTS: readonly Statement[] = [
  {
    pattern:
      /^SELECT epoch, number, run, from_seq, to_seq, to_stored_ms, hides FROM lane_runs WHERE lane = \{lane:String\} AND stream_id = \{stream:UInt64\} AND epoch <= \{epoch:UInt64\} ORDER BY epoch DESC, number DESC LIMIT 1 BY epoch LIMIT \{epochs:UInt32\}$/,
    run: (tables, parameters) => newestRuns(tables, parameters),
  },
  {
    pattern: /^SELECT max\(epoch\) AS epoch FROM lane_runs WHERE /,
    run: (tables, parameters) => {
      const epochs = tables.runsOf(streamOf(parameters)).map(({ epoch }) => epoch);
      return [{ epoch: String(Math.max(0, ...epochs)) }];
    },
  },
  {
    pattern: /^SELECT max\(stream_id\) AS id FROM lane_runs WHERE /,
    run: ({ runs }, parameters) => {
      const { lane, created, identities } = parameters as Record<string, unknown> & {
        created: number;
        identities: number;
      };
      const ids = runs
        .filter((row) => row.lane === lane && row.stream_id >= created)
        .map((row) => row.stream_id)
        .filter((id) => id < created + identities);
      return [{ id: String(Math.max(0, ...ids)) }];
    },
  },
  {
    pattern:
      /^SELECT target_id, incarnation, arrayFilter\(.* AS firsts, .* AS lasts FROM \( SELECT .* FROM frames UNION ALL SELECT .* FROM frames_recent \) WHERE .* AND NOT has\(\{hides:Array\(UInt64\)\}, closing\) GROUP BY /,
    run: (tables, parameters) => agentRuns(tables, parameters),
  },
  {
    // ClickHouse reads the ledger and the list of parts one after the other.
    pattern:
      /^SELECT DISTINCT table, partition_id FROM system\.parts WHERE .* AND table IN \('samples_recent', 'frames_recent'\) AND active AND \(toDate\(.*\) < toDate\(now\(\) - \{seconds:UInt64\}\) OR .* NOT IN \( SELECT arrayJoin\(\[run \+ newest, run \+ newest \+ 1\]\) FROM \( SELECT run, greatest\(max\(number\), 1\) AS newest, .* GROUP BY lane, stream_id, epoch, run \) WHERE epoch >= head\)\)$/,
    run: (tables, { seconds }) => {
      const { inUse } = tables;
      const oldest = dayText(Date.now() - (seconds as number) * 1000);
      const of = (table: RecentTable): object[] =>
        tables.partitionsBut(table, inUse, oldest).map((id) => ({ table, partition_id: id }));
      return () => [...of('samples_recent'), ...of('frames_recent')];
    },
  },
  {
    pattern: /^ALTER TABLE (samples_recent|frames_recent) DROP PARTITION ID '(\d+-\d+)'$/,
    run: (tables, _parameters, [, table, partition]) => {
      tables.dropPartition(table as RecentTable, partition!);
      return [];
    },
  },
  {
    pattern:
      /^DELETE FROM (frames_recent|frames|series_minutes) WHERE has\(\{closings:Array\(UInt64\)\}, closing\)$/,
    run: (tables, { closings }, [, table]) => {
      tables.deleteClosings(table as HidingTable, closings as bigint[]);
      return [];
    },
  },
  {
    pattern: /^SELECT metric_id, name, label_names, label_values FROM series WHERE metric_id IN /,
    run: ({ series }, { ids }) => {
      const wanted = new Set((ids as bigint[]).map(String));
      return series.filter((row) => wanted.has(row['metric_id'] as string));
    },
  },
  {
    pattern: /^SELECT hash, any\(metric_ids\) AS metric_ids FROM catalogues WHERE hash IN /,
    run: ({ catalogues }, { hashes }) => {
      const wanted = new Set((hashes as bigint[]).map(String));
      const found = catalogues.filter((row) => wanted.has(row['hash'] as string));
      return [...new Map(found.map((row) => [row['hash'], row])).values()];
    },
  },
  {
    pattern: /^SYSTEM RELOAD DICTIONARY \{database\}\.series_by_id$/,
    run: () => [],
  },
];

function streamOf(parameters: Parameters): { lane: string; stream: number } {
  return parameters as { lane: string; stream: number };
}

/** What a statement returns; throws for one that is not known. */
export function runStatement(
  tables: ClickHouseTables,
  sql: string,
  parameters: Parameters,
): Result {
  const text = sql.replaceAll(/\s+/g, ' ').trim();
  for (const { pattern, run } of STATEMENTS) {
    const found = pattern.exec(text);
    if (found !== null) return run(tables, parameters, found);
  }
  throw new Error(`the simulated ClickHouse does not know this statement: ${text}`);
}

/** The newest row of each epoch, the highest epoch first. */
function newestRuns(tables: ClickHouseTables, parameters: Parameters): object[] {
  const { epoch, epochs } = parameters as { epoch: number; epochs: number };
  const rows = tables
    .runsOf(streamOf(parameters))
    .filter((row) => row.epoch <= epoch)
    .toSorted((a, b) => b.epoch - a.epoch || b.number - a.number);
  return rows
    .filter((row, at) => row.epoch !== rows[at - 1]?.epoch)
    .slice(0, epochs)
    .map((row) => ({
      epoch: String(row.epoch),
      number: String(row.number),
      run: row.run,
      from_seq: String(row.from_seq),
      to_seq: String(row.to_seq),
      to_stored_ms: String(row.to_stored_ms),
      hides: row.hides,
    }));
}

/** Runs of agents, each with the ranges of its stored numbers, as the memory of a lane asks for them. */
function agentRuns(tables: ClickHouseTables, parameters: Parameters): object[] {
  const { targets, incarnations, since, hides } = parameters as {
    targets: bigint[];
    incarnations: bigint[];
    since: number;
    hides: bigint[];
  };
  const counted = [...tables.frames, ...tables.recentFrames].flatMap(({ closing, rows }) =>
    hides.includes(closing) ? [] : rows,
  );
  return targets.flatMap((target, i) => {
    const seqs = counted
      .filter((row) => row.target === target && row.incarnation === incarnations[i])
      .filter((row) => row.timestampMs >= since)
      .map(({ seq }) => seq)
      .toSorted((a, b) => a - b)
      .filter((seq, at, all) => seq !== all[at - 1]);
    if (seqs.length === 0) return [];
    const firsts = seqs.filter((seq, at) => at === 0 || seqs[at - 1]! < seq - 1);
    const lasts = seqs.filter((seq, at) => at === seqs.length - 1 || seqs[at + 1]! > seq + 1);
    return [
      {
        target_id: String(target),
        incarnation: String(incarnations[i]),
        firsts: firsts.map(String),
        lasts: lasts.map(String),
      },
    ];
  });
}
