SELECT i.relname AS name, quote_ident(i.relname) AS quoted, x.indrelid::int8 AS relation,
       x.indisunique AS is_unique, x.indisprimary AS is_primary, x.indisvalid AS valid,
       (SELECT json_agg(x.indkey[p]::int4 ORDER BY p) FROM generate_series(0, x.indnkeyatts - 1) p) AS columns,
       coalesce((SELECT json_agg(pg_get_indexdef(x.indexrelid, p + 1, false) ORDER BY p)
                 FROM generate_series(0, x.indnkeyatts - 1) p WHERE x.indkey[p] = 0), '[]') AS expressions,
       pg_get_expr(x.indpred, x.indrelid) AS predicate,
       coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::bool, false) AS nulls_not_distinct,
       EXISTS (SELECT FROM pg_catalog.pg_constraint k
               WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid
                 AND k.contype IN ('p', 'u', 'x')) AS of_constraint,
       (SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.relname)
        FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_class p ON p.oid = h.inhparent
        JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace
        WHERE h.inhrelid = x.indexrelid) AS parent,
       quote_ident(c.nspname) || '.' || quote_ident(i.relname) AS qualified,
       c.relkind = 'm' AS of_view,
       pg_get_indexdef(x.indexrelid) AS definition
FROM pg_catalog.pg_index x
JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
JOIN user_relation c ON c.oid = x.indrelid
WHERE c.relkind IN ('r', 'p', 'm')
ORDER BY x.indrelid, i.relname
