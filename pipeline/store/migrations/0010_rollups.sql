-- Minutes and hours of what the samples were (docs/adr/0013). One of the writers rolls up closings; every row names
-- its roll-up, and one row here commits it.

CREATE TABLE rollup_runs
(
    epoch        UInt64,
    -- Of the newest roll-up of the epoch. 0: the epoch has begun, and nothing is rolled up yet.
    number       UInt64,
    -- Roll-ups that are left out: they were never committed.
    hides        Array(UInt64),
    -- By run of a lane: closings of the run below this one are rolled up.
    runs         Array(UInt64),
    below        Array(UInt64),
    -- All of an earlier hour that was committed when this was written is rolled up. 0: not known.
    open_from    DateTime('UTC'),
    -- How long rows are kept, s.
    samples_kept UInt64,
    minutes_kept UInt64,
    writer       String,
    written_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(number)
ORDER BY epoch
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- The samples of one series in one hour, an entry a minute; there may be several rows of an hour and several entries of
-- a minute. Numbers are whole ones of 1 / 10^scale: of each entry the last value is told by the step from the
-- entry before, and the rest by how far it is from the last one. Rows with a scale of -1 have minimum, maximum, total and last
-- of each entry in `others`.
CREATE TABLE rollup_minutes
(
    metric_id UInt64 CODEC(ZSTD(1)),
    target_id UInt64 CODEC(ZSTD(1)),
    hour      DateTime('UTC') CODEC(Delta, ZSTD(1)),
    rollup    UInt64 CODEC(Delta, ZSTD(1)),
    minutes   Array(UInt8) CODEC(ZSTD(1)),
    counts    Array(UInt16) CODEC(ZSTD(1)),
    lasts_ms  Array(UInt16) CODEC(ZSTD(1)),
    scale     Int8 CODEC(ZSTD(1)),
    first     Int64 CODEC(Delta, ZSTD(1)),
    steps     Array(Int64) CODEC(T64, ZSTD(1)),
    lower     Array(Int64) CODEC(T64, ZSTD(1)),
    upper     Array(Int64) CODEC(T64, ZSTD(1)),
    rest      Array(Int64) CODEC(T64, ZSTD(1)),
    others    Array(Float64) CODEC(ZSTD(1)),
    minimums  Array(Float64) ALIAS if(
        scale < 0,
        arrayMap(entry -> others[4 * entry + 1], range(length(minutes))),
        arrayMap(
            (step, less) -> (first + step - less) / [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9][scale + 1],
            arrayCumSum(steps),
            lower)),
    maximums  Array(Float64) ALIAS if(
        scale < 0,
        arrayMap(entry -> others[4 * entry + 2], range(length(minutes))),
        arrayMap(
            (step, more) -> (first + step + more) / [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9][scale + 1],
            arrayCumSum(steps),
            upper)),
    totals    Array(Float64) ALIAS if(
        scale < 0,
        arrayMap(entry -> others[4 * entry + 3], range(length(minutes))),
        arrayMap(
            (step, more, samples) -> ((first + step) * samples + more)
                / [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9][scale + 1],
            arrayCumSum(steps),
            rest,
            counts)),
    lasts     Array(Float64) ALIAS if(
        scale < 0,
        arrayMap(entry -> others[4 * entry + 4], range(length(minutes))),
        arrayMap(
            step -> (first + step) / [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9][scale + 1],
            arrayCumSum(steps)))
)
ENGINE = MergeTree
PARTITION BY toDate(hour)
ORDER BY (metric_id, target_id, hour)
TTL hour + INTERVAL 90 DAY
SETTINGS index_granularity = 1024, ttl_only_drop_parts = 1;

-- The samples of one series in one hour, of which there may be several rows. Without a number among them, that is with NaN
-- alone, the minimum is inf and the maximum -inf.
CREATE TABLE rollup_hours
(
    metric_id UInt64 CODEC(ZSTD(1)),
    target_id UInt64 CODEC(ZSTD(1)),
    hour      DateTime('UTC') CODEC(Delta, ZSTD(1)),
    rollup    UInt64 CODEC(Delta, ZSTD(1)),
    count     UInt32 CODEC(ZSTD(1)),
    minimum   Float64 CODEC(ZSTD(1)),
    maximum   Float64 CODEC(ZSTD(1)),
    total     Float64 CODEC(ZSTD(1)),
    last      Float64 CODEC(ZSTD(1)),
    -- When the last one was, since the beginning of the hour.
    last_ms   UInt32 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(hour)
ORDER BY (metric_id, target_id, hour)
TTL hour + INTERVAL 1095 DAY
SETTINGS ttl_only_drop_parts = 1;

-- Rows of `series_minutes` without their samples: whole numbers as there, or four doubles in `extra`.
CREATE VIEW series_minutes_folded AS
WITH
    arrayCumSum(steps) AS ways,
    arrayFilter(value -> NOT isNaN(value), others) AS numbers
SELECT
    metric_id,
    target_id,
    minute,
    closing,
    scale,
    toUInt16(length(offsets_ms)) AS count,
    offsets_ms[-1] AS last_ms,
    first + least(0, arrayMin(ways)) AS lowest,
    first + greatest(0, arrayMax(ways)) AS highest,
    first * count + arraySum(ways) AS total,
    first + arraySum(steps) AS last,
    if(
        scale < 0,
        [
            if(empty(numbers), inf, arrayMin(numbers)),
            if(empty(numbers), -inf, arrayMax(numbers)),
            arraySum(others),
            others[-1]
        ],
        []) AS extra
FROM series_minutes;

CREATE VIEW rollup_minutes_then AS
SELECT metric_id, target_id, hour, rollup, minutes, counts, lasts_ms, minimums, maximums, totals, lasts
FROM rollup_minutes;

CREATE VIEW rollup_hours_then AS SELECT * FROM rollup_hours;

-- What is rolled up: closings below `below` of the runs, in all roll-ups up to `newest` that are not in `hides`.
CREATE VIEW rollups AS
SELECT
    max(bitShiftLeft(epoch, 20) + number) AS newest,
    argMax(hides, (epoch, number)) AS hides,
    arrayPushBack(argMax(runs, (epoch, number)), 0) AS runs,
    arrayPushBack(argMax(below, (epoch, number)), 0) AS below,
    argMax(open_from, (epoch, number)) AS open_from,
    argMax(samples_kept, (epoch, number)) AS samples_kept,
    argMax(minutes_kept, (epoch, number)) AS minutes_kept
FROM rollup_runs
WHERE number > 0;

-- By ids, a row for each step of 3600 or 60 s in which there were samples, or one per sample (0 s). What is not rolled up
-- yet is worked out here, of samples that came no more than a day late. A query has to learn first what is rolled up,
-- then which closings are open, and then take its snapshots of the rows.
CREATE VIEW rollup_between AS
WITH
    (SELECT (newest, hides, runs, below, open_from) FROM rollups) AS rolled,
    (SELECT (open, hidden, rolled.1) FROM closings) AS known,
    greatest(toUInt32({step:UInt32}), 1) AS seconds,
    toStartOfInterval({start:DateTime64(3)}, toIntervalSecond(seconds)) AS since
SELECT
    metric_id,
    target_id,
    begin AS time,
    if(min(lowest) > max(highest), nan, min(lowest)) AS minimum,
    if(min(lowest) > max(highest), nan, max(highest)) AS maximum,
    sum(whole) AS total,
    sum(samples) AS count,
    argMax(newest, at) AS last
FROM
(
    SELECT
        metric_id,
        target_id,
        toDateTime64(hour, 3, 'UTC') AS begin,
        rollup_hours_then.minimum AS lowest,
        rollup_hours_then.maximum AS highest,
        rollup_hours_then.total AS whole,
        toUInt64(rollup_hours_then.count) AS samples,
        rollup_hours_then.last AS newest,
        begin + toIntervalMillisecond(last_ms) AS at
    FROM rollup_hours_then
    WHERE {step:UInt32} = 3600
        AND hour >= since
        AND hour < {end:DateTime64(3)}
        AND rollup <= rolled.1
        AND NOT has(rolled.2, rollup)
    UNION ALL
    SELECT
        metric_id,
        target_id,
        toDateTime64(hour, 3, 'UTC') + toIntervalMinute(minute) AS begin,
        low,
        high,
        whole,
        toUInt64(samples) AS samples,
        newest,
        begin + toIntervalMillisecond(last_ms) AS at
    FROM rollup_minutes_then
    ARRAY JOIN
        minutes AS minute,
        counts AS samples,
        lasts_ms AS last_ms,
        minimums AS low,
        maximums AS high,
        totals AS whole,
        lasts AS newest
    WHERE {step:UInt32} = 60
        AND hour >= toStartOfHour(since)
        AND hour < {end:DateTime64(3)}
        AND rollup <= rolled.1
        AND NOT has(rolled.2, rollup)
        AND begin >= since
        AND begin < {end:DateTime64(3)}
    UNION ALL
    SELECT
        metric_id,
        target_id,
        toStartOfInterval(toDateTime64(minute, 3, 'UTC'), toIntervalSecond(seconds)) AS begin,
        if(scale < 0, extra[1], lowest / power) AS low,
        if(scale < 0, extra[2], highest / power) AS high,
        if(scale < 0, extra[3], total / power) AS whole,
        toUInt64(count) AS samples,
        if(scale < 0, extra[4], last / power) AS newest,
        toDateTime64(minute, 3, 'UTC') + toIntervalMillisecond(last_ms) AS at
    FROM
    (
        SELECT *, [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9][scale + 1] AS power
        FROM series_minutes_folded
    )
    WHERE {step:UInt32} > 0
        AND minute >= since
        AND minute >= toDateTime(greatest(toUnixTimestamp(rolled.5), 86400) - 86400, 'UTC')
        AND minute < {end:DateTime64(3)}
        AND begin < {end:DateTime64(3)}
        AND closing >= transform(bitAnd(closing, bitNot(toUInt64(0xFFFFFF))), rolled.3, rolled.4, toUInt64(0))
        AND NOT has(known.1, closing)
        AND NOT has(known.2, closing)
    UNION ALL
    SELECT
        metric_id,
        target_id,
        toStartOfInterval(timestamp, toIntervalSecond(seconds)) AS begin,
        if(isNaN(value), inf, value) AS low,
        if(isNaN(value), -inf, value) AS high,
        value AS whole,
        toUInt64(1) AS samples,
        value AS newest,
        timestamp AS at
    FROM samples_recent_then
    WHERE {step:UInt32} > 0
        AND timestamp >= since
        AND begin < {end:DateTime64(3)}
        AND has(known.1, closing)
)
GROUP BY metric_id, target_id, begin
UNION ALL
SELECT metric_id, target_id, time, value AS minimum, value AS maximum, value AS total, toUInt64(1) AS count, value AS last
FROM samples_between(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})
WHERE {step:UInt32} = 0;

-- The coarsest step that a span needs: samples up to three hours, minutes up to three days, else hours; coarser where
-- the finer ones have been deleted.
CREATE VIEW rollup_step AS
SELECT multiIf(
    span <= 10800 AND (samples_kept = 0 OR age <= samples_kept), 0,
    span <= 259200 AND (minutes_kept = 0 OR age <= minutes_kept), 60,
    3600)::UInt32 AS step
FROM
(
    SELECT
        dateDiff('second', {start:DateTime64(3)}, {end:DateTime64(3)}) AS span,
        dateDiff('second', {start:DateTime64(3)}, now64(3)) AS age,
        samples_kept,
        minutes_kept
    FROM rollups
);

CREATE VIEW metric_rollup AS
WITH (SELECT step FROM rollup_step(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})) AS step
SELECT
    time,
    assumeNotNull(step) AS step_seconds,
    dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    minimum,
    maximum,
    total,
    count,
    last,
    mapFromArrays(
        dictGet('{database}.targets_by_id', 'label_names', target_id),
        dictGet('{database}.targets_by_id', 'label_values', target_id)) AS target_labels
FROM rollup_between(
    start = {start:DateTime64(3)},
    end = {end:DateTime64(3)},
    step = (SELECT step FROM rollup_step(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})))
WHERE metric_id IN (SELECT metric_id FROM series WHERE name = {name:String});

CREATE VIEW metric_of_host_rollup AS
WITH (SELECT step FROM rollup_step(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})) AS step
SELECT
    time,
    assumeNotNull(step) AS step_seconds,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    minimum,
    maximum,
    total,
    count,
    last
FROM rollup_between(
    start = {start:DateTime64(3)},
    end = {end:DateTime64(3)},
    step = (SELECT step FROM rollup_step(start = {start:DateTime64(3)}, end = {end:DateTime64(3)})))
WHERE metric_id IN (SELECT metric_id FROM series WHERE name = {name:String})
    AND target_id IN (SELECT id FROM targets WHERE instance = {instance:String});
