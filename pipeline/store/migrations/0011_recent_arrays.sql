-- The samples of one metric in one flush of a lane side by side, instead of a row each: ClickHouse takes them in for two thirds of
-- the work. What open closings held here is inserted once more by the writer that takes their lane over.

DROP TABLE IF EXISTS samples_recent_then;

DROP TABLE IF EXISTS samples_recent;

CREATE TABLE samples_recent
(
    closing    UInt64 CODEC(LZ4),
    metric_id  UInt64 CODEC(LZ4),
    -- The oldest and the newest timestamp of the flush.
    oldest     DateTime64(3, 'UTC') CODEC(LZ4),
    newest     DateTime64(3, 'UTC') CODEC(LZ4),
    target_ids Array(UInt64) CODEC(LZ4),
    -- After `oldest`.
    offsets_ms Array(UInt32) CODEC(LZ4),
    values     Array(Float64) CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY (closing, toDate(newest))
ORDER BY metric_id
SETTINGS
    -- A metric that all hosts have is a row of many samples: a query for one need not read many others.
    index_granularity_bytes = 131072,
    non_replicated_deduplication_window = 100000,
    min_bytes_for_wide_part = '10G',
    max_bytes_to_merge_at_max_space_in_pool = 1,
    max_bytes_to_merge_at_min_space_in_pool = 1;

CREATE VIEW samples_recent_then AS
SELECT closing, metric_id, target_id, addMilliseconds(oldest, offset_ms) AS timestamp, newest, value
FROM samples_recent
ARRAY JOIN target_ids AS target_id, offsets_ms AS offset_ms, values AS value;

CREATE OR REPLACE VIEW samples_between AS
WITH (SELECT (open, hidden) FROM closings) AS known
SELECT
    metric_id,
    target_id,
    addMilliseconds(toDateTime64(minute, 3, 'UTC'), offset_ms) AS time,
    value
FROM series_minutes_then
ARRAY JOIN offsets_ms AS offset_ms, values AS value
WHERE minute >= toStartOfMinute({start:DateTime64(3)})
    AND minute < {end:DateTime64(3)}
    AND NOT has(known.1, closing)
    AND NOT has(known.2, closing)
    AND time >= {start:DateTime64(3)}
    AND time < {end:DateTime64(3)}
UNION ALL
SELECT metric_id, target_id, timestamp AS time, value
FROM samples_recent_then
WHERE has(known.1, closing)
    AND newest >= {start:DateTime64(3)}
    AND timestamp >= {start:DateTime64(3)}
    AND timestamp < {end:DateTime64(3)}
UNION ALL
SELECT metric_id, target_id, timestamp AS time, value
FROM samples
WHERE timestamp >= {start:DateTime64(3)}
    AND timestamp < {end:DateTime64(3)};
