SELECT c.oid::int8 AS oid, c.nspname AS namespace, c.relname AS name, c.qualified,
       c.relkind::text AS kind, c.relispartition AS is_partition, c.relpersistence = 'u' AS unlogged,
       c.reltuples::float8 AS estimated_rows,
       coalesce((SELECT json_agg(i.inhparent::int8 ORDER BY i.inhseqno)
                 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid), '[]') AS parents,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS partition_key,
       pg_get_expr(c.relpartbound, c.oid) AS bound,
       CASE WHEN c.relispartition THEN pg_get_partition_constraintdef(c.oid) END AS partition_constraint,
       c.relispopulated AS populated,
       (SELECT string_agg(prefix || split_part(o, '=', 1) || '=' || quote_literal(substr(o, strpos(o, '=') + 1)), ', '
                          ORDER BY prefix, place)
        FROM (SELECT '' AS prefix, o, place FROM unnest(c.reloptions) WITH ORDINALITY u(o, place)
              UNION ALL
              SELECT 'toast.', o, place FROM pg_catalog.pg_class t, unnest(t.reloptions) WITH ORDINALITY u(o, place)
              WHERE t.oid = c.reltoastrelid) p) AS options,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS of_type,
       (SELECT quote_ident(m.amname) FROM pg_catalog.pg_am m
        WHERE m.oid = c.relam AND m.amname <> 'heap' AND c.relkind IN ('r', 'm')) AS access_method,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition
FROM user_relation c
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY c.nspname, c.relname
