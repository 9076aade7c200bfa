SELECT kind, identity FROM (
    SELECT CASE c.relkind WHEN 'S' THEN 2 ELSE 1 END AS step,
           CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
                                     WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, c.qualified AS identity
    FROM user_relation c
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT c.relispartition
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND c.relkind = 'S'
                        AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'i')
    UNION ALL
    SELECT 0, 'EVENT TRIGGER', quote_ident(v.evtname) FROM pg_catalog.pg_event_trigger v
    WHERE NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_event_trigger'::regclass AND e.objid = v.oid)
    UNION ALL
    SELECT 3, k.kind, i.identity
    FROM (SELECT 'pg_catalog.pg_operator'::regclass AS classid, o.oid, 'OPERATOR' AS kind
          FROM pg_catalog.pg_operator o JOIN user_namespace n ON n.oid = o.oprnamespace
          UNION ALL
          SELECT 'pg_catalog.pg_cast'::regclass, k.oid, 'CAST' FROM pg_catalog.pg_cast k
          WHERE k.oid >= 16384 AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                WHERE d.classid = 'pg_catalog.pg_cast'::regclass AND d.objid = k.oid AND d.deptype = 'i')
          UNION ALL
          SELECT 'pg_catalog.pg_ts_config'::regclass, s.oid, 'TEXT SEARCH CONFIGURATION'
          FROM pg_catalog.pg_ts_config s JOIN user_namespace n ON n.oid = s.cfgnamespace
          UNION ALL
          SELECT 'pg_catalog.pg_ts_dict'::regclass, s.oid, 'TEXT SEARCH DICTIONARY'
          FROM pg_catalog.pg_ts_dict s JOIN user_namespace n ON n.oid = s.dictnamespace) k
    CROSS JOIN LATERAL pg_identify_object(k.classid, k.oid, 0) i
    WHERE NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = k.classid AND e.objid = k.oid)
    UNION ALL
    SELECT 3, CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, i.identity
    FROM pg_catalog.pg_proc p JOIN user_namespace n ON n.oid = p.pronamespace
    CROSS JOIN LATERAL pg_identify_object('pg_catalog.pg_proc'::regclass, p.oid, 0) i
    WHERE NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 4, 'TYPE', n.quoted || '.' || quote_ident(t.typname)
    FROM pg_catalog.pg_type t JOIN user_namespace n ON n.oid = t.typnamespace
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
      AND NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)
    UNION ALL
    SELECT 5, 'COLLATION', n.quoted || '.' || quote_ident(o.collname)
    FROM pg_catalog.pg_collation o JOIN user_namespace n ON n.oid = o.collnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_collation'::regclass AND e.objid = o.oid)
    UNION ALL
    SELECT 6, 'SCHEMA', n.quoted FROM user_namespace n
    WHERE n.nspname <> 'public' AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.extnamespace = n.oid)
) m ORDER BY step, kind, identity
