, base AS (
    WITH RECURSIVE chain AS (
        SELECT a.attname, t.oid, t.typtype, t.typbasetype, t.typtypmod, a.atttypmod AS modifier
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = '{table}'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT c.attname, t.oid, t.typtype, t.typbasetype, t.typtypmod, c.typtypmod
        FROM chain c JOIN pg_catalog.pg_type t ON t.oid = c.typbasetype
        WHERE c.typtype = 'd'
    )
    SELECT * FROM chain WHERE typtype <> 'd'
)
SELECT b.attname AS name, t.typname AS type, b.typtype::text AS kind, b.modifier,
       n.nspname = 'pg_catalog' AS built_in
FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.oid JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
