SELECT kind, name FROM (
    SELECT 'foreign table' AS kind, c.qualified AS name FROM user_relation c WHERE c.relkind = 'f'
    UNION ALL
    SELECT 'base type', n.quoted || '.' || quote_ident(t.typname)
    FROM pg_catalog.pg_type t JOIN user_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
      AND NOT EXISTS (SELECT FROM extension_member m WHERE m.classid = 'pg_catalog.pg_type'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'operator class', n.quoted || '.' || quote_ident(o.opcname)
    FROM pg_catalog.pg_opclass o JOIN user_namespace n ON n.oid = o.opcnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_opclass'::regclass AND m.objid = o.oid)
    UNION ALL
    SELECT 'text search parser', n.quoted || '.' || quote_ident(t.prsname)
    FROM pg_catalog.pg_ts_parser t JOIN user_namespace n ON n.oid = t.prsnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_ts_parser'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'text search template', n.quoted || '.' || quote_ident(t.tmplname)
    FROM pg_catalog.pg_ts_template t JOIN user_namespace n ON n.oid = t.tmplnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_ts_template'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'subscription', quote_ident(s.subname) FROM pg_catalog.pg_subscription s
    JOIN pg_catalog.pg_database d ON d.oid = s.subdbid AND d.datname = current_database()
    UNION ALL
    SELECT 'foreign server', quote_ident(s.srvname) FROM pg_catalog.pg_foreign_server s
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_foreign_server'::regclass AND m.objid = s.oid)
    UNION ALL
    SELECT 'publication', quote_ident(b.pubname) FROM pg_catalog.pg_publication b
    UNION ALL
    SELECT 'index (not valid)', quote_ident(i.relname)
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    JOIN user_relation c ON c.oid = x.indrelid WHERE NOT x.indisvalid
) n ORDER BY kind, name
