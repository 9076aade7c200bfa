SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) AS name
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE c.oid = '{table}'::pg_catalog.regclass AND c.relkind = 'r' AND m.amname = 'heap' AND c.relpersistence <> 't'
