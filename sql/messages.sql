-- Chat messages by room: a table with a text key, spread by hash over eight shards, messages_0 .. messages_7.
--
--   psql -f sql/messages.sql
--
-- It can be run again: what is there already stays.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

CREATE EXTENSION IF NOT EXISTS shard_router;

SELECT to_regclass('messages') IS NULL AS missing \gset
\if :missing
BEGIN;
CREATE TABLE messages (
    id bigint GENERATED ALWAYS AS IDENTITY,
    room text NOT NULL,
    author text NOT NULL,
    body text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    -- A room's messages are looked up by their room and in their order, so the key begins with it.
    PRIMARY KEY (room, id)
);
-- The functions get their names from here: insert_message, get_messages_by_room, get_message_table.
SELECT shard_router.create_sharded_table('messages', 'room', shards => 8);
COMMIT;
\endif

RESET client_min_messages;

-- What it generated:
--
--   SELECT insert_message('lobby', 'ann', 'hello');   -- the new message's id, unique over all rooms
--   SELECT * FROM get_messages_by_room('lobby');      -- that room's messages, from its shard alone
--   SELECT get_message_table('lobby');                -- the shard's name
--
-- Many at once, and from a file:
--
--   SELECT shard_router.insert_many('messages', '[{"room": "lobby", "author": "ann", "body": "one"},
--                                                 {"room": "attic", "author": "bob", "body": "two"}]'::jsonb);
--   \copy messages (room, author, body) FROM messages.csv CSV
--
-- Are the rooms spread evenly?
--
--   ANALYZE messages;
--   SELECT shard, estimated_rows, rows_to_even, hot_keys FROM shard_router.skew WHERE tbl = 'messages'::regclass;
