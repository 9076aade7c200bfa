SELECT k.conname AS name, quote_ident(k.conname) AS quoted, k.contype::text AS kind,
       k.conrelid::int8 AS relation, coalesce(to_json(k.conkey::int4[]), '[]') AS columns,
       k.confrelid::int8 AS parent, coalesce(to_json(k.confkey::int4[]), '[]') AS parent_columns,
       k.confdeltype = 'c' AS cascades, k.confmatchtype = 'f' AS match_full, k.condeferrable AS "deferrable",
       k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::bool, true) AS validated,
       coalesce((to_jsonb(k) ->> 'conenforced')::bool, true) AS enforced,
       k.conparentid <> 0 AS is_clone, k.coninhcount > 0 AS inherited, k.conislocal AS is_local,
       coalesce((to_jsonb(k) ->> 'conperiod')::bool, false) AS temporal,
       CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS expression,
       -- The server leaves the storage parameters of a key's index out; they come before DEFERRABLE.
       CASE WHEN k.contype IN ('p', 'u') AND i.reloptions IS NOT NULL
            THEN regexp_replace(pg_get_constraintdef(k.oid), '((?: DEFERRABLE)?(?: INITIALLY DEFERRED)?)$',
                   ' WITH (' || replace((SELECT string_agg(split_part(o, '=', 1) || '='
                                  || quote_literal(substr(o, strpos(o, '=') + 1)), ', ')
                                 FROM unnest(i.reloptions) o), '\', '\\') || ')\1')
            ELSE pg_get_constraintdef(k.oid) END AS definition
FROM pg_catalog.pg_constraint k
JOIN user_relation c ON c.oid = k.conrelid
LEFT JOIN pg_catalog.pg_class i ON i.oid = k.conindid AND k.contype IN ('p', 'u')
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND c.relkind IN ('r', 'p')
ORDER BY k.conrelid, k.conname, k.conkey
