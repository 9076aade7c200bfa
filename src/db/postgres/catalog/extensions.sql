SELECT 'extension ' || quote_ident(x.extname) AS object, NULL::int8 AS relation, true AS optional,
       -- One that is there in another schema stays there, and its types would not be found.
       CASE WHEN n.oid IN (SELECT u.oid FROM user_namespace u)
            THEN 'DO $do$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n '
                   || 'ON n.oid = x.extnamespace WHERE x.extname = ' || quote_literal(x.extname) || ' AND n.nspname <> '
                   || quote_literal(n.nspname) || ') THEN RAISE feature_not_supported USING MESSAGE = '
                   || quote_literal('it is there in another schema; ALTER EXTENSION ' || quote_ident(x.extname)
                                    || ' SET SCHEMA ' || quote_ident(n.nspname))
                   || '; END IF; END $do$; ' ELSE '' END
         || 'CREATE EXTENSION IF NOT EXISTS ' || quote_ident(x.extname)
         || CASE WHEN n.oid IN (SELECT u.oid FROM user_namespace u) OR n.nspname = 'pg_catalog'
                 THEN ' WITH SCHEMA ' || quote_ident(n.nspname) ELSE '' END || ' CASCADE' AS sql
FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql' ORDER BY x.oid
