SELECT object, relation, true AS optional, sql FROM (
    SELECT 1 AS step, 'rule ' || quote_ident(w.rulename) AS object, c.oid::int8 AS relation,
           pg_get_ruledef(w.oid) AS sql
    FROM pg_catalog.pg_rewrite w JOIN user_relation c ON c.oid = w.ev_class
    WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT 2, 'trigger ' || quote_ident(g.tgname), c.oid::int8, pg_get_triggerdef(g.oid)
    FROM pg_catalog.pg_trigger g JOIN user_relation c ON c.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND coalesce((to_jsonb(g) ->> 'tgparentid')::oid, 0) = 0
    UNION ALL
    SELECT 3, 'trigger ' || quote_ident(g.tgname), c.oid::int8,
           'ALTER TABLE ' || c.qualified || CASE g.tgenabled WHEN 'D' THEN ' DISABLE' WHEN 'R' THEN ' ENABLE REPLICA'
               ELSE ' ENABLE ALWAYS' END || ' TRIGGER ' || quote_ident(g.tgname)
    FROM pg_catalog.pg_trigger g JOIN user_relation c ON c.oid = g.tgrelid
    WHERE NOT g.tgisinternal AND g.tgenabled <> 'O' AND c.relkind IN ('r', 'p')
      AND coalesce((to_jsonb(g) ->> 'tgparentid')::oid, 0) = 0
    UNION ALL
    SELECT 4, 'statistics ' || quote_ident(s.stxname), c.oid::int8, pg_get_statisticsobjdef(s.oid)
    FROM pg_catalog.pg_statistic_ext s JOIN user_relation c ON c.oid = s.stxrelid
    UNION ALL
    SELECT 5, 'policy ' || quote_ident(y.polname), c.oid::int8,
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
    SELECT 6, 'row security of ' || c.qualified, c.oid::int8, 'ALTER TABLE ' || c.qualified || ' ENABLE ROW LEVEL SECURITY'
    FROM user_relation c WHERE c.relrowsecurity
    UNION ALL
    SELECT 7, 'row security of ' || c.qualified, c.oid::int8, 'ALTER TABLE ' || c.qualified || ' FORCE ROW LEVEL SECURITY'
    FROM user_relation c WHERE c.relforcerowsecurity
) f ORDER BY step, relation, object
