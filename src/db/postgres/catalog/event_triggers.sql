SELECT object, NULL::int8 AS relation, true AS optional, sql FROM (
    SELECT v.evtname, 1 AS step, 'event trigger ' || quote_ident(v.evtname) AS object,
           'CREATE EVENT TRIGGER ' || quote_ident(v.evtname) || ' ON ' || v.evtevent
             || coalesce((SELECT ' WHEN TAG IN (' || string_agg(quote_literal(tag), ', ') || ')'
                          FROM unnest(v.evttags) tag), '')
             || ' EXECUTE FUNCTION ' || v.evtfoid::regproc || '(); ALTER EVENT TRIGGER ' || quote_ident(v.evtname)
             || ' DISABLE' AS sql
    FROM pg_catalog.pg_event_trigger v
    WHERE NOT EXISTS (SELECT FROM extension_member m
                      WHERE m.classid = 'pg_catalog.pg_event_trigger'::regclass AND m.objid = v.oid)
    UNION ALL
    -- Run last of all, so that it does not fire at what dbsynth itself does; `write` knows it by its beginning.
    SELECT v.evtname, 2, 'event trigger ' || quote_ident(v.evtname),
           'DO $event_trigger$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_event_trigger WHERE evtname = '
             || quote_literal(v.evtname) || ') THEN ALTER EVENT TRIGGER ' || quote_ident(v.evtname)
             || CASE v.evtenabled WHEN 'R' THEN ' ENABLE REPLICA' WHEN 'A' THEN ' ENABLE ALWAYS' ELSE ' ENABLE' END
             || '; END IF; END $event_trigger$'
    FROM pg_catalog.pg_event_trigger v
    WHERE v.evtenabled <> 'D'
      AND NOT EXISTS (SELECT FROM extension_member m
                      WHERE m.classid = 'pg_catalog.pg_event_trigger'::regclass AND m.objid = v.oid)
) e ORDER BY step, evtname
