SELECT k.conname AS name, quote_ident(k.conname) AS quoted, k.contype::text AS kind,
       k.conrelid::int8 AS relation, coalesce(to_json(k.conkey::int4[]), '[]') AS columns,
       k.confrelid::int8 AS parent, coalesce(to_json(k.confkey::int4[]), '[]') AS parent_columns,
       k.confdeltype = 'c' AS cascades, k.confmatchtype = 'f' AS match_full, k.condeferrable AS "deferrable",
       k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::bool, true) AS validated,
       coalesce((to_jsonb(k) ->> 'conenforced')::bool, true) AS enforced,
       k.conparentid <> 0 AS is_clone, k.coninhcount > 0 AS inherited,
       coalesce((to_jsonb(k) ->> 'conperiod')::bool, false) AS temporal,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS expression,
       pg_get_constraintdef(k.oid) AS definition
FROM pg_catalog.pg_constraint k
JOIN user_relation c ON c.oid = k.conrelid
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND c.relkind IN ('r', 'p')
ORDER BY k.conrelid, k.conname, k.conkey
