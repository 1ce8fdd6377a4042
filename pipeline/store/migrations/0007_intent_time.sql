-- When JetStream took the message `to_seq`, ms since 1970; 0 if that is not known. A server that lost the newest
-- messages of a stream gives their numbers out again: then another time stands under the number.

ALTER TABLE lane_intents ADD COLUMN IF NOT EXISTS to_stored_ms UInt64 DEFAULT 0 AFTER to_seq;
