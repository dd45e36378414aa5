-- What follows SQLite to the letter has a schema of its own: its names (min, format, like ..) mean other things elsewhere.
CREATE SCHEMA sqlite;
GRANT USAGE ON SCHEMA sqlite TO PUBLIC;
COMMENT ON SCHEMA sqlite IS 'the functions and operators of SQLite 3.53, as they answer there';

CREATE DOMAIN sqlite.json_text AS text;
COMMENT ON DOMAIN sqlite.json_text IS
    'text that a JSON function of schema sqlite made: as an argument of another one it counts as JSON, not as a string';
