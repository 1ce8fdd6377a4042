import { versionOf } from './clickhouse-tables.ts';
import type { ClickHouseTables, FrameRow } from './clickhouse-tables.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** A statement as the server carries it out. */
interface Statement {
  readonly pattern: RegExp;
  /** The rows it returns; none for a command. */
  run(tables: ClickHouseTables, parameters: Parameters): object[];
}

/** Every statement the writer uses, told by its text; with another text it is not the same statement. */
const STATEMENTS: readonly Statement[] = [
  {
    pattern:
      /^SELECT from_seq, to_seq, to_stored_ms, unknown_catalogues FROM lane_intents WHERE .* LIMIT 1$/,
    run: (tables, parameters) => {
      const { epoch } = parameters as { epoch: number };
      const [newest] = tables
        .intentsOf(streamOf(parameters))
        .filter((row) => row.epoch <= epoch && row.from_seq > 0)
        .toSorted((a, b) => b.epoch - a.epoch || versionOf(b) - versionOf(a));
      if (newest === undefined) return [];
      const { from_seq, to_seq, to_stored_ms, unknown_catalogues } = newest;
      return [
        {
          from_seq: String(from_seq),
          to_seq: String(to_seq),
          to_stored_ms: String(to_stored_ms),
          unknown_catalogues,
        },
      ];
    },
  },
  {
    pattern: /^SELECT max\(epoch\) AS epoch FROM lane_intents WHERE /,
    run: (tables, parameters) => {
      const epochs = tables.intentsOf(streamOf(parameters)).map(({ epoch }) => epoch);
      return [{ epoch: String(Math.max(0, ...epochs)) }];
    },
  },
  {
    pattern: /^SELECT max\(stream_id\) AS id FROM lane_intents WHERE /,
    run: ({ intents }, parameters) => {
      const { lane, created, identities } = parameters as Record<string, unknown> & {
        created: number;
        identities: number;
      };
      const ids = intents
        .filter((row) => row.lane === lane && row.stream_id >= created)
        .map((row) => row.stream_id)
        .filter((id) => id < created + identities);
      return [{ id: String(Math.max(0, ...ids)) }];
    },
  },
  {
    pattern: /^SELECT target_id, incarnation, arrayFilter\(.* AS firsts, .* AS lasts FROM /,
    run: ({ frames }, parameters) => runsOf(frames, parameters),
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
): object[] {
  const text = sql.replaceAll(/\s+/g, ' ').trim();
  const statement = STATEMENTS.find(({ pattern }) => pattern.test(text));
  if (statement === undefined) {
    throw new Error(`the simulated ClickHouse does not know this statement: ${text}`);
  }
  return statement.run(tables, parameters);
}

/** Runs of agents, each with the ranges of its stored numbers, as the memory of a lane asks for them. */
function runsOf(frames: readonly FrameRow[], parameters: Parameters): object[] {
  const { targets, incarnations, since, lane, stream, from } = parameters as {
    targets: bigint[];
    incarnations: bigint[];
    since: number;
    lane: string;
    stream: number;
    from: number;
  };
  return targets.flatMap((target, i) => {
    const seqs = frames
      .filter((row) => row.target === target && row.incarnation === incarnations[i])
      .filter((row) => row.timestampMs >= since)
      .filter((row) => row.lane !== lane || row.stream !== stream || row.streamSeq < from)
      .map(({ seq }) => seq)
      .toSorted((a, b) => a - b);
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
