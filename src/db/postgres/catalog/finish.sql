SELECT object, relation, true AS optional, sql FROM (
    SELECT 1 AS step, 'check of domain ' || format_type(k.contypid, NULL) AS object, NULL::int8 AS relation,
           'ALTER DOMAIN ' || format_type(k.contypid, NULL) || ' ADD CONSTRAINT ' || quote_ident(k.conname) || ' '
             || pg_get_constraintdef(k.oid) AS sql
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_type t ON t.oid = k.contypid
    JOIN user_namespace n ON n.oid = t.typnamespace
    WHERE k.contype = 'c' AND NOT k.convalidated
      AND NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)
    UNION ALL
    SELECT 1, 'default of ' || c.qualified || '.' || quote_ident(a.attname), c.oid::int8,
           'ALTER VIEW ' || c.qualified || ' ALTER COLUMN ' || quote_ident(a.attname) || ' SET DEFAULT '
             || pg_get_expr(d.adbin, d.adrelid)
    FROM pg_catalog.pg_attrdef d JOIN user_relation c ON c.oid = d.adrelid
    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE c.relkind = 'v'
    UNION ALL
    SELECT 2, 'rule ' || quote_ident(w.rulename), c.oid::int8, pg_get_ruledef(w.oid)
    FROM pg_catalog.pg_rewrite w JOIN user_relation c ON c.oid = w.ev_class
    WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT 3, 'rule ' || quote_ident(w.rulename), c.oid::int8,
           'ALTER TABLE ' || c.qualified || CASE w.ev_enabled WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA'
               ELSE ' ENABLE ALWAYS' END || ' RULE ' || quote_ident(w.rulename)
    FROM pg_catalog.pg_rewrite w JOIN user_relation c ON c.oid = w.ev_class
    WHERE w.rulename <> '_RETURN' AND w.ev_enabled <> 'O' AND c.relkind IN ('r', 'p')
    UNION ALL
    SELECT 4, 'trigger ' || quote_ident(g.tgname), c.oid::int8, pg_get_triggerdef(g.oid)
    FROM pg_catalog.pg_trigger g JOIN user_relation c ON c.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND coalesce((to_jsonb(g) ->> 'tgparentid')::oid, 0) = 0
    UNION ALL
    -- A state given to a parent reaches its partitions' copies as well; those that differ follow, roots first.
    SELECT 5 + (SELECT count(*) FROM pg_partition_ancestors(c.oid)), 'trigger ' || quote_ident(g.tgname), c.oid::int8,
           'ALTER TABLE ' || c.qualified || CASE g.tgenabled WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA'
               WHEN 'A' THEN ' ENABLE ALWAYS' ELSE ' ENABLE' END || ' TRIGGER ' || quote_ident(g.tgname)
    FROM pg_catalog.pg_trigger g JOIN user_relation c ON c.oid = g.tgrelid
    LEFT JOIN pg_catalog.pg_trigger p ON p.oid = coalesce((to_jsonb(g) ->> 'tgparentid')::oid, 0)
    WHERE c.relkind IN ('r', 'p') AND (NOT g.tgisinternal OR p.oid IS NOT NULL AND NOT p.tgisinternal)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.oid = g.tgconstraint AND k.contype = 'f')
      AND g.tgenabled <> coalesce(p.tgenabled, 'O')
    UNION ALL
    SELECT 100, 'statistics ' || quote_ident(s.stxname), c.oid::int8, pg_get_statisticsobjdef(s.oid)
    FROM pg_catalog.pg_statistic_ext s JOIN user_relation c ON c.oid = s.stxrelid
    UNION ALL
    SELECT 101, 'statistics ' || quote_ident(s.stxname), c.oid::int8,
           'ALTER STATISTICS ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname) || ' SET STATISTICS '
             || (to_jsonb(s) ->> 'stxstattarget')
    FROM pg_catalog.pg_statistic_ext s JOIN user_relation c ON c.oid = s.stxrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    WHERE (to_jsonb(s) ->> 'stxstattarget')::int4 >= 0
    UNION ALL
    SELECT 102, 'statistics target of index ' || quote_ident(i.relname), c.oid::int8,
           'ALTER INDEX ' || quote_ident(c.nspname) || '.' || quote_ident(i.relname) || ' ALTER COLUMN ' || a.attnum
             || ' SET STATISTICS ' || a.attstattarget
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    JOIN user_relation c ON c.oid = x.indrelid JOIN pg_catalog.pg_attribute a ON a.attrelid = x.indexrelid
    WHERE x.indisvalid AND a.attnum > 0 AND a.attstattarget >= 0
    UNION ALL
    SELECT 103, 'clustering of ' || c.qualified, c.oid::int8,
           'ALTER ' || CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'TABLE ' END || c.qualified
             || ' CLUSTER ON ' || quote_ident(i.relname)
    FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    JOIN user_relation c ON c.oid = x.indrelid
    WHERE x.indisclustered AND c.relkind IN ('r', 'm')
    UNION ALL
    SELECT 103, 'replica identity of ' || c.qualified, c.oid::int8,
           'ALTER TABLE ONLY ' || c.qualified || ' REPLICA IDENTITY ' || CASE c.relreplident WHEN 'f' THEN 'FULL'
             WHEN 'n' THEN 'NOTHING'
             ELSE (SELECT 'USING INDEX ' || quote_ident(i.relname) FROM pg_catalog.pg_index x
                   JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
                   WHERE x.indrelid = c.oid AND x.indisreplident) END
    FROM user_relation c WHERE c.relkind IN ('r', 'p') AND c.relreplident <> 'd'
    UNION ALL
    SELECT 104, 'policy ' || quote_ident(y.polname), c.oid::int8,
           'CREATE POLICY ' || quote_ident(y.polname) || ' ON ' || c.qualified
             || CASE WHEN y.polpermissive THEN '' ELSE ' AS RESTRICTIVE' END
             || CASE y.polcmd WHEN 'r' THEN ' FOR SELECT' WHEN 'a' THEN ' FOR INSERT' WHEN 'w' THEN ' FOR UPDATE'
                              WHEN 'd' THEN ' FOR DELETE' ELSE '' END
             || ' TO ' || (SELECT string_agg(coalesce(quote_ident(r.rolname), 'PUBLIC'), ', ' ORDER BY r.rolname)
                           FROM unnest(y.polroles) o LEFT JOIN pg_catalog.pg_roles r ON r.oid = o)
             || coalesce(' USING (' || pg_get_expr(y.polqual, y.polrelid) || ')', '')
             || coalesce(' WITH CHECK (' || pg_get_expr(y.polwithcheck, y.polrelid) || ')', '')
    FROM pg_catalog.pg_policy y JOIN user_relation c ON c.oid = y.polrelid
    UNION ALL
    SELECT 105, 'row security of ' || c.qualified, c.oid::int8, 'ALTER TABLE ' || c.qualified || ' ENABLE ROW LEVEL SECURITY'
    FROM user_relation c WHERE c.relrowsecurity
    UNION ALL
    SELECT 106, 'row security of ' || c.qualified, c.oid::int8, 'ALTER TABLE ' || c.qualified || ' FORCE ROW LEVEL SECURITY'
    FROM user_relation c WHERE c.relforcerowsecurity
) f WHERE sql IS NOT NULL ORDER BY step, relation, object
