-- ZSTD(3) takes a seventh off what samples weigh, for no more CPU than the machine's own noise (docs/adr/0016). It holds for what is inserted or
-- merged from now on. Roll-ups gain a twentieth by it, and are left as they are.

ALTER TABLE series_minutes
    MODIFY COLUMN metric_id CODEC(ZSTD(3)),
    MODIFY COLUMN target_id CODEC(ZSTD(3)),
    MODIFY COLUMN minute CODEC(Delta, ZSTD(3)),
    MODIFY COLUMN offsets_ms CODEC(ZSTD(3)),
    MODIFY COLUMN scale CODEC(ZSTD(3)),
    MODIFY COLUMN first CODEC(Delta, ZSTD(3)),
    MODIFY COLUMN steps CODEC(T64, ZSTD(3)),
    MODIFY COLUMN others CODEC(ZSTD(3)),
    MODIFY COLUMN closing CODEC(Delta, ZSTD(3));
