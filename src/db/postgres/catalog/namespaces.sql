SELECT 'schema ' || n.quoted AS object, NULL::int8 AS relation, false AS optional,
       'DO $do$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = '
         || quote_literal(n.nspname) || ') THEN CREATE SCHEMA ' || n.quoted || '; END IF; END $do$' AS sql
FROM user_namespace n ORDER BY n.nspname
