-- What dashboards read. `metrics` shows everything; the parameterised views answer the common
-- questions and use the table's key (docs/schema.md).

CREATE VIEW metrics AS
SELECT
    timestamp AS time,
    dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
    dictGet('{database}.series_by_id', 'name', metric_id) AS name,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value,
    mapFromArrays(
        dictGet('{database}.targets_by_id', 'label_names', target_id),
        dictGet('{database}.targets_by_id', 'label_values', target_id)) AS target_labels
FROM samples;

CREATE VIEW metric AS
SELECT
    timestamp AS time,
    dictGet('{database}.targets_by_id', 'instance', target_id) AS instance,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value,
    mapFromArrays(
        dictGet('{database}.targets_by_id', 'label_names', target_id),
        dictGet('{database}.targets_by_id', 'label_values', target_id)) AS target_labels
FROM samples
WHERE metric_id IN (SELECT metric_id FROM series WHERE name = {name:String});

CREATE VIEW host AS
SELECT
    timestamp AS time,
    dictGet('{database}.series_by_id', 'name', metric_id) AS name,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value
FROM samples
WHERE target_id IN (SELECT id FROM targets WHERE instance = {instance:String});

CREATE VIEW metric_of_host AS
SELECT
    timestamp AS time,
    mapFromArrays(
        dictGet('{database}.series_by_id', 'label_names', metric_id),
        dictGet('{database}.series_by_id', 'label_values', metric_id)) AS labels,
    value
FROM samples
WHERE metric_id IN (SELECT metric_id FROM series WHERE name = {name:String})
    AND target_id IN (SELECT id FROM targets WHERE instance = {instance:String});
