SELECT kind, name FROM (
    SELECT 'foreign table' AS kind, c.qualified AS name FROM user_relation c WHERE c.relkind = 'f'
    UNION ALL
    SELECT 'base type', n.quoted || '.' || quote_ident(t.typname)
    FROM pg_catalog.pg_type t JOIN user_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
      AND NOT EXISTS (SELECT FROM extension_member m WHERE m.classid = 'pg_catalog.pg_type'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'aggregate', p.oid::regprocedure::text
    FROM pg_catalog.pg_proc p JOIN user_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
    WHERE a.aggkind <> 'n' AND NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_proc'::regclass AND m.objid = p.oid)
    UNION ALL
    SELECT 'operator', o.oid::regoperator::text
    FROM pg_catalog.pg_operator o JOIN user_namespace n ON n.oid = o.oprnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_operator'::regclass AND m.objid = o.oid)
    UNION ALL
    SELECT 'operator class', n.quoted || '.' || quote_ident(o.opcname)
    FROM pg_catalog.pg_opclass o JOIN user_namespace n ON n.oid = o.opcnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_opclass'::regclass AND m.objid = o.oid)
    UNION ALL
    SELECT 'cast', format_type(k.castsource, NULL) || ' to ' || format_type(k.casttarget, NULL)
    FROM pg_catalog.pg_cast k
    WHERE k.oid >= 16384 AND NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_cast'::regclass AND m.objid = k.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_cast'::regclass AND d.objid = k.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 'text search configuration', n.quoted || '.' || quote_ident(t.cfgname)
    FROM pg_catalog.pg_ts_config t JOIN user_namespace n ON n.oid = t.cfgnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_ts_config'::regclass AND m.objid = t.oid)
    UNION ALL
    SELECT 'event trigger', quote_ident(v.evtname) FROM pg_catalog.pg_event_trigger v
    WHERE NOT EXISTS (SELECT FROM extension_member m
        WHERE m.classid = 'pg_catalog.pg_event_trigger'::regclass AND m.objid = v.oid)
    UNION ALL
    SELECT 'publication', quote_ident(b.pubname) FROM pg_catalog.pg_publication b
    UNION ALL
    SELECT 'index (not valid)', quote_ident(i.relname)
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    JOIN user_relation c ON c.oid = x.indrelid WHERE NOT x.indisvalid
) n ORDER BY kind, name
