-- Rules as people load them, and what became of them. Transitions and notifications come from the
-- JetStream log; (stream_id, log_seq, position) names one.

CREATE TABLE rule_files
(
    name       String,
    revision   UInt64,
    content    String,
    is_deleted Bool,
    changed_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY (name, revision);

CREATE VIEW rule_files_current AS
SELECT
    name,
    max(revision) AS last_revision,
    argMax(content, revision) AS content,
    argMax(is_deleted, revision) AS is_deleted
FROM rule_files
GROUP BY name;

CREATE TABLE alert_transitions
(
    stream_id   UInt64,
    log_seq     UInt64,
    position    UInt32,
    lane        LowCardinality(String),
    time        DateTime64(3, 'UTC'),
    alert       LowCardinality(String),
    state       LowCardinality(String),
    reason      LowCardinality(String),
    fingerprint UInt64,
    target_id   UInt64,
    labels      Map(String, String),
    annotations Map(String, String),
    value       Float64,
    active_at   DateTime64(3, 'UTC'),
    stored_at   DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (fingerprint, stream_id, log_seq, position);

CREATE VIEW alerts AS
SELECT
    argMax(alert, (stream_id, log_seq, position)) AS alert,
    argMax(state, (stream_id, log_seq, position)) AS state,
    argMax(active_at, (stream_id, log_seq, position)) AS active_at,
    argMax(time, (stream_id, log_seq, position)) AS since,
    argMax(labels, (stream_id, log_seq, position)) AS labels,
    argMax(annotations, (stream_id, log_seq, position)) AS annotations,
    argMax(value, (stream_id, log_seq, position)) AS value,
    fingerprint
FROM alert_transitions
GROUP BY fingerprint
HAVING state != 'inactive';

CREATE TABLE notifications
(
    stream_id UInt64,
    log_seq   UInt64,
    time      DateTime64(3, 'UTC'),
    receiver  LowCardinality(String),
    status    LowCardinality(String),
    alert     LowCardinality(String),
    group_key String,
    alerts    UInt32,
    attempts  UInt32,
    outcome   LowCardinality(String),
    detail    String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree
ORDER BY (receiver, stream_id, log_seq);
