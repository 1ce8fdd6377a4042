-- Samples by the minute, and seen before that (docs/adr/0011). A writer that takes a lane begins a run. Every row
-- of a run names its closing: the run plus a number. The newest run of a lane has two open closings, its
-- number and the next; all those before are committed.

CREATE TABLE lane_runs
(
    lane         LowCardinality(String),
    stream_id    UInt64,
    epoch        UInt64,
    -- 0: the epoch has begun, and nothing is known of its run yet.
    number       UInt64,
    run          UInt64,
    -- Messages below `from_seq` are stored for good, and of those up to `to_seq` some.
    from_seq     UInt64,
    to_seq       UInt64,
    -- When JetStream took the message `to_seq`, ms since 1970; 0 if that is not known.
    to_stored_ms UInt64,
    -- Closings of former runs that were never committed.
    hides        Array(UInt64),
    writer       String,
    written_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(number)
ORDER BY (lane, stream_id, epoch)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- What is not in `series_minutes` yet. Parts live for a minute or two, so nothing is merged.
CREATE TABLE samples_recent
(
    closing   UInt64 CODEC(LZ4),
    metric_id UInt64 CODEC(LZ4),
    target_id UInt64 CODEC(LZ4),
    timestamp DateTime64(3, 'UTC') CODEC(LZ4),
    value     Float64 CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY (closing, toDate(timestamp))
ORDER BY (metric_id, target_id, timestamp)
SETTINGS
    non_replicated_deduplication_window = 100000,
    min_bytes_for_wide_part = '10G',
    max_bytes_to_merge_at_max_space_in_pool = 1,
    max_bytes_to_merge_at_min_space_in_pool = 1;

-- The samples of one series in one minute; of a minute whose samples came late there are several rows. Values are whole
-- numbers of 1 / 10^scale: the first one, and the steps from each to the next. Rows with a scale of -1 have
-- theirs in `others`.
CREATE TABLE series_minutes
(
    metric_id  UInt64 CODEC(ZSTD(1)),
    target_id  UInt64 CODEC(ZSTD(1)),
    minute     DateTime('UTC') CODEC(Delta, ZSTD(1)),
    offsets_ms Array(UInt16) CODEC(ZSTD(1)),
    scale      Int8 CODEC(ZSTD(1)),
    first      Int64 CODEC(Delta, ZSTD(1)),
    steps      Array(Int64) CODEC(T64, ZSTD(1)),
    others     Array(Float64) CODEC(ZSTD(1)),
    closing    UInt64 CODEC(Delta, ZSTD(1)),
    values     Array(Float64) ALIAS if(
        scale < 0,
        others,
        arrayMap(
            whole -> whole / [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9][scale + 1],
            arrayCumSum(arrayPushFront(steps, first))))
)
ENGINE = MergeTree
PARTITION BY toDate(minute)
ORDER BY (metric_id, target_id, minute)
TTL minute + INTERVAL 7 DAY
SETTINGS
    non_replicated_deduplication_window = 100000,
    ttl_only_drop_parts = 1,
    -- The lane is trimmed to what is committed: that must survive a power cut.
    fsync_after_insert = 1,
    fsync_part_directory = 1;

ALTER TABLE frames ADD COLUMN IF NOT EXISTS closing UInt64 DEFAULT 0 CODEC(ZSTD(1));

-- Which closings are open, and of which nothing counts: those that their runs never committed, and those of
-- runs that have not begun.
CREATE VIEW closings AS
SELECT
    groupArrayArrayIf([run + newest, run + newest + 1], epoch = head) AS open,
    arrayConcat(
        groupArrayArrayIf(hides, epoch = head),
        groupArrayArrayIf([run + 1, run + 2], epoch > head)) AS hidden
FROM
(
    SELECT
        epoch,
        max(number) AS newest,
        argMax(run, number) AS run,
        argMax(hides, number) AS hides,
        maxIf(epoch, newest > 0) OVER (PARTITION BY lane, stream_id) AS head
    FROM lane_runs
    GROUP BY lane, stream_id, epoch
);

-- A query takes its snapshot of a table when it resolves the table's name, and of a view's tables later, when its
-- own subqueries have been answered. So through these the closings are known before the rows are.
CREATE VIEW frames_then AS SELECT * FROM frames;

CREATE VIEW series_minutes_then AS SELECT *, values FROM series_minutes;

CREATE VIEW samples_recent_then AS SELECT * FROM samples_recent;

CREATE VIEW stored_frames AS
WITH (SELECT hidden FROM closings) AS hidden
SELECT * EXCEPT closing
FROM frames_then
WHERE NOT has(hidden, closing);

-- Every sample with start <= time < end, by ids. The table `samples` is of before; nothing is added to it.
CREATE VIEW samples_between AS
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
    AND timestamp >= {start:DateTime64(3)}
    AND timestamp < {end:DateTime64(3)}
UNION ALL
SELECT metric_id, target_id, timestamp AS time, value
FROM samples
WHERE timestamp >= {start:DateTime64(3)}
    AND timestamp < {end:DateTime64(3)};

CREATE OR REPLACE VIEW metrics AS
SELECT
    time,
    dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
    dictGet('{database}.series_by_id', 'name', metric_id) AS name,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value,
    mapFromArrays(
        dictGet('{database}.targets_by_id', 'label_names', target_id),
        dictGet('{database}.targets_by_id', 'label_values', target_id)) AS target_labels
FROM samples_between(start = {start:DateTime64(3)}, end = {end:DateTime64(3)});

CREATE OR REPLACE VIEW metric AS
SELECT
    time,
    dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value,
    mapFromArrays(
        dictGet('{database}.targets_by_id', 'label_names', target_id),
        dictGet('{database}.targets_by_id', 'label_values', target_id)) AS target_labels
FROM samples_between(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})
WHERE metric_id IN (SELECT metric_id FROM series WHERE name = {name:String});

CREATE OR REPLACE VIEW host AS
SELECT
    time,
    dictGet('{database}.series_by_id', 'name', metric_id) AS name,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value
FROM samples_between(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})
WHERE target_id IN (SELECT id FROM targets WHERE instance = {instance:String});

CREATE OR REPLACE VIEW metric_of_host AS
SELECT
    time,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value
FROM samples_between(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})
WHERE metric_id IN (SELECT metric_id FROM series WHERE name = {name:String})
    AND target_id IN (SELECT id FROM targets WHERE instance = {instance:String});

-- Positions of before. An intent that may not have been carried out is read again; what of it is stored
-- is known by its frames.
CREATE TABLE lane_intents
(
    lane               LowCardinality(String),
    stream_id          UInt64,
    epoch              UInt64,
    from_seq           UInt64,
    to_seq             UInt64,
    to_stored_ms       UInt64,
    unknown_catalogues Array(UInt64),
    writer             String,
    version            UInt64 MATERIALIZED from_seq + to_seq,
    written_at         DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (lane, stream_id, epoch);

INSERT INTO lane_runs (lane, stream_id, epoch, number, run, from_seq, to_seq, to_stored_ms, writer, written_at)
SELECT
    lane,
    stream_id,
    max(epoch) OVER (PARTITION BY lane, stream_id),
    1,
    0,
    from_seq,
    from_seq - 1,
    if(to_seq < from_seq, to_stored_ms, 0),
    writer,
    written_at
FROM lane_intents
WHERE from_seq > 0
ORDER BY epoch DESC, version DESC
LIMIT 1 BY lane, stream_id;

DROP TABLE IF EXISTS lane_intents;
