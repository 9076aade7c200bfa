SELECT 'f' || p.oid AS key,
       CASE p.prokind WHEN 'a' THEN 'aggregate ' WHEN 'p' THEN 'procedure ' ELSE 'function ' END
         || p.oid::regprocedure AS object,
       CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid)
            ELSE 'CREATE AGGREGATE ' || n.quoted || '.' || quote_ident(p.proname) || '('
              || CASE WHEN p.pronargs = 0 AND a.aggkind = 'n' THEN '*' ELSE pg_get_function_arguments(p.oid) END
              || ') (SFUNC = ' || a.aggtransfn || ', STYPE = ' || format_type(a.aggtranstype, NULL)
              || CASE WHEN a.aggtransspace <> 0 THEN ', SSPACE = ' || a.aggtransspace ELSE '' END
              || CASE WHEN a.aggfinalfn <> 0 THEN ', FINALFUNC = ' || a.aggfinalfn ELSE '' END
              || CASE WHEN a.aggfinalextra THEN ', FINALFUNC_EXTRA' ELSE '' END
              || CASE WHEN a.aggfinalfn = 0 THEN ''
                      ELSE ', FINALFUNC_MODIFY = ' || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY'
                             WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END
              || CASE WHEN a.aggcombinefn <> 0 THEN ', COMBINEFUNC = ' || a.aggcombinefn ELSE '' END
              || CASE WHEN a.aggserialfn <> 0 THEN ', SERIALFUNC = ' || a.aggserialfn ELSE '' END
              || CASE WHEN a.aggdeserialfn <> 0 THEN ', DESERIALFUNC = ' || a.aggdeserialfn ELSE '' END
              || coalesce(', INITCOND = ' || quote_literal(a.agginitval), '')
              || CASE WHEN a.aggmtransfn = 0 THEN ''
                      ELSE ', MSFUNC = ' || a.aggmtransfn || ', MINVFUNC = ' || a.aggminvtransfn
                        || ', MSTYPE = ' || format_type(a.aggmtranstype, NULL)
                        || CASE WHEN a.aggmtransspace <> 0 THEN ', MSSPACE = ' || a.aggmtransspace ELSE '' END
                        || CASE WHEN a.aggmfinalfn <> 0 THEN ', MFINALFUNC = ' || a.aggmfinalfn ELSE '' END
                        || CASE WHEN a.aggmfinalextra THEN ', MFINALFUNC_EXTRA' ELSE '' END
                        || CASE WHEN a.aggmfinalfn = 0 THEN ''
                                ELSE ', MFINALFUNC_MODIFY = ' || CASE a.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY'
                                       WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END
                        || coalesce(', MINITCOND = ' || quote_literal(a.aggminitval), '') END
              || coalesce((SELECT ', SORTOP = OPERATOR(' || quote_ident(sn.nspname) || '.' || s.oprname || ')'
                           FROM pg_catalog.pg_operator s JOIN pg_catalog.pg_namespace sn ON sn.oid = s.oprnamespace
                           WHERE s.oid = a.aggsortop), '')
              || CASE WHEN a.aggkind = 'h' THEN ', HYPOTHETICAL' ELSE '' END
              || CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED'
                                    ELSE '' END || ')'
       END AS sql
FROM pg_catalog.pg_proc p
JOIN user_namespace n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_aggregate a ON a.aggfnoid = p.oid
WHERE NOT EXISTS (SELECT FROM extension_member e
                  WHERE e.classid = 'pg_catalog.pg_proc'::regclass AND e.objid = p.oid)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
ORDER BY n.nspname, p.proname, p.oid::regprocedure::text
