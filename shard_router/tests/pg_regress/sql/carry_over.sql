-- The sharded table is what the template was.
SET client_min_messages = warning;
CREATE ROLE regress_a; CREATE ROLE regress_b;
CREATE SCHEMA "Sch ema";
SET search_path = "Sch ema";
CREATE TABLE target (id int PRIMARY KEY);
INSERT INTO target VALUES (1);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := concat(NEW.note, '+', TG_NAME); RETURN NEW; END $$;
CREATE TABLE "Orders" (
    id serial,
    dropped int,
    "User Id" bigint,
    amount positive DEFAULT 1 CONSTRAINT below CHECK (amount < 100),
    code text COLLATE "C" NOT NULL DEFAULT 'a(b',
    doubled int GENERATED ALWAYS AS (amount * 2) STORED,
    note text,
    target_id int CONSTRAINT to_target REFERENCES target ON DELETE CASCADE DEFERRABLE,
    tags int[] DEFAULT '{}',
    other bigint GENERATED ALWAYS AS IDENTITY (START 7 INCREMENT 3),
    CONSTRAINT "the key" PRIMARY KEY (id),
    CONSTRAINT code_once UNIQUE (code) INCLUDE (note) DEFERRABLE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.3);
ALTER TABLE "Orders" DROP COLUMN dropped;
ALTER TABLE "Orders" ALTER note SET STORAGE EXTERNAL, ALTER note SET STATISTICS 123, ALTER note SET (n_distinct = 5);
ALTER TABLE "Orders" ADD CONSTRAINT late FOREIGN KEY (amount) REFERENCES target NOT VALID;
CREATE INDEX by_note ON "Orders" (lower(note), code DESC NULLS LAST) WHERE amount > 3;
CREATE UNIQUE INDEX "odd (""name" ON "Orders" ((code || ')'), md5(note));
CREATE UNIQUE INDEX has_key ON "Orders" ("User Id", code);
CREATE INDEX gin ON "Orders" USING gin (tags) WITH (fastupdate = off);
CREATE STATISTICS together (dependencies) ON code, note FROM "Orders";
CREATE TRIGGER stamp BEFORE INSERT ON "Orders" FOR EACH ROW WHEN (NEW.amount > 1) EXECUTE FUNCTION stamp();
CREATE TRIGGER off BEFORE INSERT ON "Orders" FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE "Orders" DISABLE TRIGGER off;
CREATE POLICY mine ON "Orders" AS RESTRICTIVE FOR UPDATE TO regress_a, regress_b USING (note = current_user) WITH CHECK (amount > 0);
CREATE POLICY reading ON "Orders" FOR SELECT USING (true);
CREATE POLICY adding ON "Orders" FOR INSERT WITH CHECK (code <> 'x');
ALTER TABLE "Orders" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "Orders" REPLICA IDENTITY FULL;
GRANT SELECT, INSERT ON "Orders" TO regress_a WITH GRANT OPTION;
GRANT UPDATE (note) ON "Orders" TO PUBLIC;
GRANT USAGE ON SEQUENCE "Orders_id_seq" TO regress_a;
GRANT SELECT ON SEQUENCE "Orders_other_seq" TO regress_b;
COMMENT ON TABLE "Orders" IS 'the table''s comment';
COMMENT ON COLUMN "Orders".code IS 'a column';
COMMENT ON CONSTRAINT "the key" ON "Orders" IS 'a primary key';
COMMENT ON CONSTRAINT below ON "Orders" IS 'a check';
COMMENT ON CONSTRAINT to_target ON "Orders" IS 'a foreign key';
COMMENT ON INDEX by_note IS 'an index';
COMMENT ON TRIGGER stamp ON "Orders" IS 'a trigger';
COMMENT ON POLICY mine ON "Orders" IS 'a policy';
COMMENT ON STATISTICS together IS 'statistics';
-- rows that came and went
INSERT INTO "Orders" ("User Id", code) VALUES (1, 'p'), (1, 'q');
DELETE FROM "Orders";
ALTER DEFAULT PRIVILEGES IN SCHEMA "Sch ema" GRANT DELETE ON TABLES TO regress_b;

-- Everything that the catalogs say of the table, as text.
CREATE FUNCTION described() RETURNS SETOF text LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH t AS (SELECT c.* FROM pg_class AS c WHERE oid = '"Sch ema"."Orders"'::regclass)
    SELECT format('column %s %s %s %s %s %s%s %s %s %s', row_number() OVER (ORDER BY attnum), attname, format_type(atttypid, atttypmod), attnotnull,
                  pg_get_expr(adbin, adrelid), attidentity, attgenerated, attstorage, coalesce(attstattarget, -1), concat_ws(' ', (SELECT string_agg(o, ' ') FROM unnest(attoptions) AS o WHERE o LIKE 'n_distinct%'), attcollation::regcollation, col_description(attrelid, attnum), attacl))
      FROM t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    UNION ALL SELECT format('constraint %s %s %s', conname, pg_get_constraintdef(k.oid), obj_description(k.oid, 'pg_constraint')) FROM pg_constraint AS k, t WHERE conrelid = t.oid AND contype <> 'n'
    UNION ALL SELECT format('index %s %s', regexp_replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON '), obj_description(indexrelid, 'pg_class')) FROM pg_index, t WHERE indrelid = t.oid
    UNION ALL SELECT format('statistics %s %s', pg_get_statisticsobjdef(x.oid), obj_description(x.oid, 'pg_statistic_ext')) FROM pg_statistic_ext AS x, t WHERE stxrelid = t.oid
    UNION ALL SELECT format('trigger %s %s %s', pg_get_triggerdef(g.oid), tgenabled, obj_description(g.oid, 'pg_trigger')) FROM pg_trigger AS g, t WHERE tgrelid = t.oid AND NOT tgisinternal
    UNION ALL SELECT format('policy %s %s %s %s %s %s %s', polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), obj_description(p.oid, 'pg_policy')) FROM pg_policy AS p, t WHERE polrelid = t.oid
    UNION ALL SELECT format('table %s %s %s %s %s %s', relowner::regrole, relacl, relrowsecurity, relforcerowsecurity, relreplident, obj_description(t.oid, 'pg_class')) FROM t
    UNION ALL SELECT format('sequence %s %s %s %s %s %s %s', s.seqrelid::regclass, seqtypid::regtype, seqstart, seqincrement, d.deptype, a.attname, q.relacl)
      FROM t JOIN pg_depend AS d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass JOIN pg_sequence AS s ON s.seqrelid = d.objid
      JOIN pg_class AS q ON q.oid = s.seqrelid JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
$$;
CREATE TABLE before AS SELECT * FROM described() AS line;
SET client_min_messages = notice;
SELECT shard_router.create_sharded_table('"Orders"', 'User Id', 3, entity => 'order', owner_name => 'user');
SET client_min_messages = warning;
CREATE TABLE after AS SELECT * FROM described() AS line;
SELECT count(*) > 25 AS described FROM before;
SELECT 'lost' AS what, line FROM (TABLE before EXCEPT TABLE after) AS l UNION ALL SELECT 'new', line FROM (TABLE after EXCEPT TABLE before) AS n ORDER BY 1, 2;
SELECT relname, relkind, reloptions, relreplident FROM pg_class WHERE relname ~ '^Orders_\d$' ORDER BY 1;

-- It works: one sequence, going on where it was; checks, keys and triggers as before.
SELECT pg_get_function_arguments('insert_order'::regproc);
SELECT insert_order(5, 'n', 1, 1, 'c1', '{1,2}'), insert_order(5, NULL, NULL, p_code => 'c2');
SELECT nextval(pg_get_serial_sequence('"Sch ema"."Orders"', 'id')), nextval('"Orders_other_seq"');
INSERT INTO "Orders" ("User Id", code) VALUES (6, 'c3');
SELECT id, "User Id", amount, code, doubled, note, other FROM "Orders" ORDER BY id;
\set VERBOSITY sqlstate
SELECT insert_order(5, NULL, NULL, 100, 'c4');
SELECT insert_order(5, NULL, NULL, 0, 'c4');
SELECT insert_order(5, NULL, 99, 1, 'c4');
SELECT insert_order(5, NULL, 1, 1, 'c1');
INSERT INTO "Orders" ("User Id", code) VALUES (5, 'c1');
\set VERBOSITY default
SELECT count(*) FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = seqrelid WHERE relnamespace = '"Sch ema"'::regnamespace;
DROP TABLE "Orders";
SELECT count(*) FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = seqrelid WHERE relnamespace = '"Sch ema"'::regnamespace;
SELECT proname FROM pg_proc WHERE pronamespace = '"Sch ema"'::regnamespace ORDER BY 1;

-- An owner who took rights from itself does not get them back.
CREATE TABLE less (k int);
ALTER TABLE less OWNER TO regress_a;
GRANT ALL ON SCHEMA "Sch ema" TO regress_a;
REVOKE ALL ON less FROM regress_a;
SELECT shard_router.create_sharded_table('less', 'k', 2);
SELECT relowner::regrole, relacl FROM pg_class WHERE oid = 'less'::regclass;
SELECT relowner::regrole, count(*) FROM pg_class WHERE relname ~ '^less_' GROUP BY 1;
SET client_min_messages = error;
ALTER DEFAULT PRIVILEGES IN SCHEMA "Sch ema" REVOKE DELETE ON TABLES FROM regress_b;
DROP SCHEMA "Sch ema" CASCADE;
DROP ROLE regress_a, regress_b;
