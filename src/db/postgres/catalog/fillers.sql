SELECT c.oid::int8 AS relation, quote_ident(g.tgname) AS name,
       'UPDATE ' || CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || c.qualified AS update, c.qualified,
       CASE WHEN p.pronamespace = 'pg_catalog'::regnamespace
            THEN substring(pg_get_triggerdef(g.oid) FROM 'EXECUTE FUNCTION (.*)$') END AS call,
       -- Arguments end with a zero byte; the first names the column.
       CASE WHEN p.pronamespace = 'pg_catalog'::regnamespace AND g.tgnargs > 0
            THEN convert_from(substring(g.tgargs FROM 1 FOR position('\x00'::bytea IN g.tgargs) - 1),
                              getdatabaseencoding()) END AS target,
       CASE WHEN l.lanname = 'plpgsql' THEN p.prosrc END AS body,
       (SELECT coalesce(json_agg(json_build_object(
                   'name', a.attname, 'quoted', quote_ident(a.attname),
                   'text_search', a.atttypid = 'pg_catalog.tsvector'::regtype,
                   'text', t.typcategory = 'S',
                   'free', NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                                       WHERE k.contype <> 'n'
                                         AND (k.conrelid = c.oid AND a.attnum = ANY (k.conkey)
                                              OR k.confrelid = c.oid AND a.attnum = ANY (k.confkey)))
                           AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i
                                           WHERE i.indrelid = c.oid AND i.indisunique
                                             AND (a.attnum = ANY (i.indkey) OR i.indexprs IS NOT NULL)))
                   ORDER BY a.attnum), '[]')
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
FROM pg_catalog.pg_trigger g
JOIN user_relation c ON c.oid = g.tgrelid
JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
-- Before each inserted row: bits 0 (row), 1 (before) and 2 (insert).
WHERE c.relkind IN ('r', 'p') AND NOT g.tgisinternal AND g.tgtype & 7 = 7 AND g.tgenabled IN ('O', 'A')
  AND coalesce((to_jsonb(g) ->> 'tgparentid')::oid, 0) = 0
  AND (l.lanname = 'plpgsql' OR p.pronamespace = 'pg_catalog'::regnamespace
       AND p.proname IN ('tsvector_update_trigger', 'tsvector_update_trigger_column'))
ORDER BY c.oid, g.tgname
