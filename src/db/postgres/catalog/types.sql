SELECT t.oid::int8 AS oid, n.nspname AS namespace, t.typname AS name, t.typtype::text AS kind,
       coalesce(e.oid::int8, 0) AS element,
       t.typbasetype::int8 AS base, t.typtypmod AS modifier, t.typnotnull AS not_null,
       coalesce((SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder)
                 FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid), '[]') AS labels,
       coalesce((SELECT json_agg(json_build_object('name', a.attname, 'type', a.atttypid::int8, 'modifier', a.atttypmod)
                                 ORDER BY a.attnum)
                 FROM pg_catalog.pg_attribute a
                 WHERE a.attrelid = t.typrelid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS fields,
       -- Multiranges are of PostgreSQL 14 and later.
       coalesce((SELECT r.rngsubtype::int8 FROM pg_catalog.pg_range r
                 WHERE r.rngtypid = t.oid OR (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid), 0) AS subtype
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid AND e.typarray <> 0
ORDER BY t.oid
