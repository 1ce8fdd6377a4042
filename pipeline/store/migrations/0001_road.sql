-- The road of a measurement: what is stored, and what says which frames were stored.

CREATE TABLE samples
(
    metric_id UInt64 CODEC(ZSTD(1)),
    target_id UInt64 CODEC(ZSTD(1)),
    timestamp DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    value     Float64 CODEC(ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp)
ORDER BY (metric_id, target_id, timestamp)
TTL toDateTime(timestamp) + INTERVAL 7 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

CREATE TABLE frames
(
    target_id    UInt64 CODEC(ZSTD(1)),
    incarnation  UInt64 CODEC(ZSTD(1)),
    seq          UInt64 CODEC(Delta, ZSTD(1)),
    timestamp    DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
    catalogue    UInt64 CODEC(ZSTD(1)),
    samples      UInt32 CODEC(ZSTD(1)),
    is_backlog   UInt8 CODEC(ZSTD(1)),
    lane         LowCardinality(String),
    stream_id    UInt64 CODEC(ZSTD(1)),
    stream_seq   UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY toDate(timestamp)
ORDER BY (target_id, incarnation, seq)
TTL toDateTime(timestamp) + INTERVAL 3 DAY
SETTINGS non_replicated_deduplication_window = 10000, ttl_only_drop_parts = 1;

-- The newest row of a lane says what was being inserted, and so what surely was before.
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

-- Names: small tables, read through dictionaries.

CREATE TABLE series
(
    metric_id     UInt64,
    name          LowCardinality(String),
    label_names   Array(LowCardinality(String)),
    label_values  Array(String),
    kind          LowCardinality(String),
    unit          LowCardinality(String),
    help          String,
    registered_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (name, metric_id);

CREATE TABLE catalogues
(
    hash          UInt64,
    metric_ids    Array(UInt64),
    registered_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY hash;

CREATE TABLE targets
(
    id          UInt64,
    revision    UInt64,
    instance    String,
    address     String,
    labels      Map(String, String),
    interval_ms UInt32,
    is_deleted  Bool,
    changed_at  DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (id, revision);

CREATE VIEW targets_current AS
SELECT
    id,
    max(revision) AS last_revision,
    argMax(instance, revision) AS instance,
    argMax(address, revision) AS address,
    argMax(labels, revision) AS labels,
    argMax(interval_ms, revision) AS interval_ms,
    argMax(is_deleted, revision) AS is_deleted
FROM targets
GROUP BY id;

CREATE DICTIONARY series_by_id
(
    metric_id    UInt64,
    name         String,
    label_names  Array(String),
    label_values Array(String)
)
PRIMARY KEY metric_id
SOURCE(CLICKHOUSE({credentials} QUERY 'SELECT metric_id, name, label_names, label_values FROM {database}.series'))
LAYOUT(HASHED())
LIFETIME(MIN 10 MAX 20);

CREATE DICTIONARY targets_by_id
(
    id           UInt64,
    instance     String,
    label_names  Array(String),
    label_values Array(String)
)
PRIMARY KEY id
SOURCE(CLICKHOUSE({credentials} QUERY 'SELECT id, instance, mapKeys(labels) AS label_names, mapValues(labels) AS label_values FROM {database}.targets_current'))
LAYOUT(HASHED())
LIFETIME(MIN 10 MAX 20);
