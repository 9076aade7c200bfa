SELECT 'comment on ' || kind || ' ' || identity AS object,
       (SELECT c.oid::int8 FROM user_relation c WHERE relation = c.oid AND c.relkind IN ('r', 'p')) AS relation,
       true AS optional,
       'COMMENT ON ' || kind || ' ' || identity || ' IS ' || quote_literal(description) AS sql
FROM (
    SELECT CASE i.type WHEN 'table' THEN 'TABLE' WHEN 'view' THEN 'VIEW' WHEN 'materialized view' THEN 'MATERIALIZED VIEW'
                       WHEN 'index' THEN 'INDEX' WHEN 'sequence' THEN 'SEQUENCE'
                       WHEN 'table column' THEN 'COLUMN' WHEN 'view column' THEN 'COLUMN'
                       WHEN 'materialized view column' THEN 'COLUMN' WHEN 'composite type column' THEN 'COLUMN'
                       WHEN 'type' THEN 'TYPE' WHEN 'composite type' THEN 'TYPE'
                       WHEN 'function' THEN 'FUNCTION' WHEN 'procedure' THEN 'PROCEDURE' WHEN 'aggregate' THEN 'AGGREGATE'
                       WHEN 'schema' THEN 'SCHEMA' WHEN 'table constraint' THEN 'CONSTRAINT'
                       WHEN 'domain constraint' THEN 'CONSTRAINT' WHEN 'operator' THEN 'OPERATOR' WHEN 'cast' THEN 'CAST'
                       WHEN 'text search configuration' THEN 'TEXT SEARCH CONFIGURATION'
                       WHEN 'text search dictionary' THEN 'TEXT SEARCH DICTIONARY' WHEN 'event trigger' THEN 'EVENT TRIGGER'
                       WHEN 'trigger' THEN 'TRIGGER' WHEN 'rule' THEN 'RULE' WHEN 'policy' THEN 'POLICY'
                       WHEN 'collation' THEN 'COLLATION' WHEN 'statistics object' THEN 'STATISTICS' END AS kind,
           CASE WHEN i.type = 'domain constraint' THEN quote_ident(k.conname) || ' ON DOMAIN ' || format_type(k.contypid, NULL)
                ELSE i.identity END AS identity, d.description,
           CASE d.classoid WHEN 'pg_catalog.pg_class'::regclass THEN coalesce(x.indrelid, d.objoid)
                           WHEN 'pg_catalog.pg_constraint'::regclass THEN k.conrelid
                           WHEN 'pg_catalog.pg_trigger'::regclass THEN g.tgrelid
                           WHEN 'pg_catalog.pg_policy'::regclass
                           THEN (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = d.objoid)
                           WHEN 'pg_catalog.pg_rewrite'::regclass
                           THEN (SELECT w.ev_class FROM pg_catalog.pg_rewrite w WHERE w.oid = d.objoid)
                           WHEN 'pg_catalog.pg_statistic_ext'::regclass
                           THEN (SELECT s.stxrelid FROM pg_catalog.pg_statistic_ext s WHERE s.oid = d.objoid)
           END AS relation
    FROM pg_catalog.pg_description d
    CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    LEFT JOIN pg_catalog.pg_constraint k ON d.classoid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objoid
    LEFT JOIN pg_catalog.pg_trigger g ON d.classoid = 'pg_catalog.pg_trigger'::regclass AND g.oid = d.objoid
    LEFT JOIN pg_catalog.pg_index x ON d.classoid = 'pg_catalog.pg_class'::regclass AND x.indexrelid = d.objoid
    WHERE (d.objoid >= 16384 OR d.classoid = 'pg_catalog.pg_namespace'::regclass)
      AND NOT EXISTS (SELECT FROM extension_member e WHERE e.classid = d.classoid AND e.objid = d.objoid)
      AND (i.schema IS NULL OR i.schema IN (SELECT quoted FROM user_namespace))
) c
WHERE kind IS NOT NULL AND (kind <> 'SCHEMA' OR identity IN (SELECT quoted FROM user_namespace))
  -- Every database is made with this one, and only the owner of the schema may repeat it.
  AND NOT (kind = 'SCHEMA' AND identity = 'public' AND description = 'standard public schema')
ORDER BY kind, identity
