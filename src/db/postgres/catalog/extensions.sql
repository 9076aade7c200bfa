SELECT 'extension ' || quote_ident(x.extname) AS object, NULL::int8 AS relation, true AS optional,
       'CREATE EXTENSION IF NOT EXISTS ' || quote_ident(x.extname)
         || CASE WHEN n.oid IN (SELECT u.oid FROM user_namespace u) OR n.nspname = 'pg_catalog'
                 THEN ' WITH SCHEMA ' || quote_ident(n.nspname) ELSE '' END || ' CASCADE' AS sql
FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql' ORDER BY x.oid
