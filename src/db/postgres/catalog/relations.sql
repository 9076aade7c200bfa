SELECT c.oid::int8 AS oid, c.nspname AS namespace, c.relname AS name, c.qualified,
       c.relkind::text AS kind, c.relispartition AS is_partition, c.relpersistence = 'u' AS unlogged,
       c.reltuples::float8 AS estimated_rows,
       coalesce((SELECT json_agg(i.inhparent::int8 ORDER BY i.inhseqno)
                 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid), '[]') AS parents,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       pg_get_expr(c.relpartbound, c.oid) AS bound,
       CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END AS partition_constraint,
       c.relispopulated AS populated,
       has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable,
       (SELECT string_agg(split_part(o, '=', 1) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', ')
        FROM unnest(c.reloptions) o) AS options,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition
FROM user_relation c
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.nspname, c.relname
