-- The intents of each epoch by themselves: a merge must not let an older writer's row displace a newer
-- one's (docs/adr/0003). Within an epoch the newest row wins: `from_seq + to_seq` grows with each.
-- A row with from_seq 0 only says that an epoch has begun.

CREATE TABLE lane_intents
(
    lane               LowCardinality(String),
    stream_id          UInt64,
    epoch              UInt64,
    from_seq           UInt64,
    to_seq             UInt64,
    -- What the writer did not know when it prepared the insert: whoever repeats it must not either.
    unknown_catalogues Array(UInt64),
    writer             String,
    version            UInt64 MATERIALIZED from_seq + to_seq,
    written_at         DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (lane, stream_id, epoch);

-- Empty if this migration was interrupted and is run again.
CREATE TABLE intents
(
    lane       LowCardinality(String),
    stream_id  UInt64,
    from_seq   UInt64,
    to_seq     UInt64,
    epoch      UInt64,
    writer     String,
    written_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(to_seq)
ORDER BY (lane, stream_id);

INSERT INTO lane_intents (lane, stream_id, epoch, from_seq, to_seq, writer, written_at)
SELECT
    lane,
    stream_id,
    max(epoch) OVER (PARTITION BY lane, stream_id),
    from_seq,
    to_seq,
    writer,
    written_at
FROM intents
ORDER BY to_seq DESC, from_seq DESC
LIMIT 1 BY lane, stream_id;

DROP TABLE IF EXISTS intents;
