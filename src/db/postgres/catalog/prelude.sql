user_namespace AS (
    SELECT n.oid, n.nspname, quote_ident(n.nspname) AS quoted
    FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_dbsynth')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
), extension_member AS (
    SELECT d.classid, d.objid FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
), user_relation AS (
    SELECT c.*, n.nspname, n.quoted || '.' || quote_ident(c.relname) AS qualified
    FROM pg_catalog.pg_class c
    JOIN user_namespace n ON n.oid = c.relnamespace
    WHERE c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid)
)
