-- Frames are seen in a table of their own until their minute is stored (docs/adr/0011): one part a closing goes into `frames`
-- instead of one a flush, which were merged with ever the same large one.

CREATE TABLE frames_recent
(
    target_id   UInt64 CODEC(LZ4),
    incarnation UInt64 CODEC(LZ4),
    seq         UInt64 CODEC(LZ4),
    timestamp   DateTime64(3, 'UTC') CODEC(LZ4),
    catalogue   UInt64 CODEC(LZ4),
    samples     UInt32 CODEC(LZ4),
    is_backlog  UInt8 CODEC(LZ4),
    lane        LowCardinality(String),
    stream_id   UInt64 CODEC(LZ4),
    stream_seq  UInt64 CODEC(LZ4),
    closing     UInt64 CODEC(LZ4)
)
ENGINE = MergeTree
PARTITION BY (closing, toDate(timestamp))
ORDER BY (target_id, incarnation, seq)
SETTINGS
    non_replicated_deduplication_window = 100000,
    min_bytes_for_wide_part = '10G',
    max_bytes_to_merge_at_max_space_in_pool = 1,
    max_bytes_to_merge_at_min_space_in_pool = 1;

-- The lane is trimmed to what is committed: that must survive a power cut.
ALTER TABLE frames
    MODIFY SETTING
        non_replicated_deduplication_window = 100000,
        min_parts_to_merge_at_once = 20,
        fsync_after_insert = 1,
        fsync_part_directory = 1;

ALTER TABLE series_minutes MODIFY SETTING min_parts_to_merge_at_once = 20;

CREATE VIEW frames_recent_then AS SELECT * FROM frames_recent;

CREATE OR REPLACE VIEW stored_frames AS
WITH (SELECT (open, hidden) FROM closings) AS known
SELECT * EXCEPT closing
FROM frames_then
WHERE NOT has(known.1, closing) AND NOT has(known.2, closing)
UNION ALL
SELECT * EXCEPT closing
FROM frames_recent_then
WHERE has(known.1, closing);
