SELECT t.oid::int8 AS oid, n.nspname AS namespace, t.typname AS name, t.typtype::text AS kind,
       coalesce(e.oid::int8, 0) AS element,
       t.typbasetype::int8 AS base, t.typtypmod AS modifier, t.typnotnull AS not_null,
       coalesce((SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder)
                 FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid), '[]') AS labels
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid AND e.typarray <> 0
ORDER BY t.oid
