SELECT pg_catalog.pg_relation_size(c.oid) AS bytes,
       pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int8 AS pages
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE c.oid = '{table}'::pg_catalog.regclass AND c.relkind = 'r' AND m.amname = 'heap'
  AND NOT c.relispartition AND NOT c.relhassubclass
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid)
