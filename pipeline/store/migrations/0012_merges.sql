-- Parts are merged with parts of their own size. By ClickHouse's own measure, a small part costs as much as some megabytes, so that
-- large parts were written again with every few small ones (docs/performance.md).
ALTER TABLE series_minutes MODIFY SETTING merge_selector_base = 20;

ALTER TABLE frames MODIFY SETTING merge_selector_base = 20;
