-- How many insert tokens a table remembers: one that is forgotten no longer stops an insert that comes late
-- (docs/adr/0003). About 100 bytes each.

ALTER TABLE samples MODIFY SETTING non_replicated_deduplication_window = 100000;

ALTER TABLE frames MODIFY SETTING non_replicated_deduplication_window = 100000;
