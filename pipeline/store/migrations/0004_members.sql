-- Who takes part in the fleet's work, who owns which part of it, and how parts moved. Both tables are
-- written by whoever owns the writer's part `projection`; writing a row again changes nothing.

CREATE TABLE members
(
    role       LowCardinality(String),
    member     String,
    name       String,
    started_at DateTime64(3, 'UTC'),
    seen_at    DateTime64(3, 'UTC') DEFAULT now64(3),
    offers     Array(LowCardinality(String)),
    owns       UInt32,
    is_leaving Bool
)
ENGINE = ReplacingMergeTree(seen_at)
ORDER BY (role, member)
TTL toDateTime(seen_at) + INTERVAL 7 DAY;

-- A row per claim. Claims that stay in force are recorded again from time to time, so that the time
-- to live takes only what is history.
CREATE TABLE ownership
(
    role        LowCardinality(String),
    part        LowCardinality(String),
    epoch       UInt64,
    revision    UInt64,
    member      String,
    name        String,
    is_released Bool,
    since       DateTime64(3, 'UTC'),
    recorded_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(recorded_at)
ORDER BY (role, part, epoch, revision)
TTL toDateTime(recorded_at) + INTERVAL 30 DAY;

CREATE VIEW ownership_current AS
SELECT
    role,
    part,
    claim.1 AS epoch,
    claim.2 AS revision,
    claim.3 AS member,
    claim.4 AS name,
    claim.5 AS is_released,
    claim.6 AS since
FROM
(
    SELECT
        role,
        part,
        argMax((epoch, revision, member, name, is_released, since), (epoch, revision)) AS claim
    FROM ownership
    GROUP BY role, part
);

CREATE VIEW members_current AS
WITH
    heard AS
    (
        SELECT
            role,
            member,
            max(seen_at) AS heard_at,
            argMax(name, seen_at) AS name,
            argMax(started_at, seen_at) AS started_at,
            argMax(offers, seen_at) AS offers,
            multiIf(
                argMax(is_leaving, seen_at), 'left',
                heard_at > now64(3) - INTERVAL 15 SECOND, 'alive',
                'gone') AS state
        FROM members
        GROUP BY role, member
        HAVING heard_at > now64(3) - INTERVAL 1 HOUR
    ),
    owned AS
    (
        SELECT
            role,
            member,
            count() AS parts,
            groupArray(part) AS names,
            max(epoch) AS epoch,
            max(since) AS since
        FROM ownership_current
        WHERE NOT is_released
        GROUP BY role, member
    ),
    offered AS
    (
        SELECT role, uniqExact(part) AS parts
        FROM heard ARRAY JOIN offers AS part
        WHERE state = 'alive'
        GROUP BY role
    )
SELECT
    heard.role AS role,
    heard.member AS member,
    heard.name AS name,
    heard.state AS state,
    owned.parts AS owned,
    offered.parts AS of,
    owned.names AS parts,
    heard.offers AS offers,
    owned.epoch AS epoch,
    owned.since AS since,
    heard.started_at AS started_at,
    heard.heard_at AS seen_at
FROM heard
LEFT JOIN owned ON owned.role = heard.role AND owned.member = heard.member
LEFT JOIN offered ON offered.role = heard.role;

CREATE VIEW moves AS
SELECT time, role, part, from_name, to_name, epoch, from_member, to_member
FROM
(
    SELECT
        since AS time,
        role,
        part,
        epoch,
        name AS to_name,
        member AS to_member,
        lagInFrame(name) OVER w AS from_name,
        lagInFrame(member) OVER w AS from_member
    FROM ownership FINAL
    WHERE NOT is_released
    WINDOW w AS (PARTITION BY role, part ORDER BY epoch, revision
                 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
)
WHERE from_member != to_member;
