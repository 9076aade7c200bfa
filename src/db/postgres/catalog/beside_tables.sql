SELECT key, object, sql FROM (
    SELECT 1 AS step, 'o' || o.oid AS key, 'operator ' || o.oid::regoperator AS object,
           'CREATE OPERATOR ' || n.quoted || '.' || o.oprname || ' (FUNCTION = ' || o.oprcode
             || CASE WHEN o.oprleft <> 0 THEN ', LEFTARG = ' || format_type(o.oprleft, NULL) ELSE '' END
             || CASE WHEN o.oprright <> 0 THEN ', RIGHTARG = ' || format_type(o.oprright, NULL) ELSE '' END
             || coalesce(', COMMUTATOR = OPERATOR(' || quote_ident(cn.nspname) || '.' || c.oprname || ')', '')
             || coalesce(', NEGATOR = OPERATOR(' || quote_ident(gn.nspname) || '.' || g.oprname || ')', '')
             || CASE WHEN o.oprrest <> 0 THEN ', RESTRICT = ' || o.oprrest ELSE '' END
             || CASE WHEN o.oprjoin <> 0 THEN ', JOIN = ' || o.oprjoin ELSE '' END
             || CASE WHEN o.oprcanhash THEN ', HASHES' ELSE '' END
             || CASE WHEN o.oprcanmerge THEN ', MERGES' ELSE '' END || ')' AS sql
    FROM pg_catalog.pg_operator o JOIN user_namespace n ON n.oid = o.oprnamespace
    LEFT JOIN pg_catalog.pg_operator c ON c.oid = o.oprcom
    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = c.oprnamespace
    LEFT JOIN pg_catalog.pg_operator g ON g.oid = o.oprnegate
    LEFT JOIN pg_catalog.pg_namespace gn ON gn.oid = g.oprnamespace
    WHERE o.oprcode <> 0
      AND NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_operator'::regclass AND e.objid = o.oid)
    UNION ALL
    SELECT 2, 'k' || k.oid, 'cast ' || format_type(k.castsource, NULL) || ' to ' || format_type(k.casttarget, NULL),
           'CREATE CAST (' || format_type(k.castsource, NULL) || ' AS ' || format_type(k.casttarget, NULL) || ') '
             || CASE k.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || k.castfunc::regprocedure
                                  WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END
             || CASE k.castcontext WHEN 'a' THEN ' AS ASSIGNMENT' WHEN 'i' THEN ' AS IMPLICIT' ELSE '' END
    FROM pg_catalog.pg_cast k
    WHERE k.oid >= 16384
      AND NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_cast'::regclass AND e.objid = k.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_catalog.pg_cast'::regclass AND d.objid = k.oid AND d.deptype = 'i')
    UNION ALL
    SELECT 3, 'd' || s.oid, 'text search dictionary ' || n.quoted || '.' || quote_ident(s.dictname),
           'CREATE TEXT SEARCH DICTIONARY ' || n.quoted || '.' || quote_ident(s.dictname) || ' (TEMPLATE = '
             || quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname) || coalesce(', ' || s.dictinitoption, '') || ')'
    FROM pg_catalog.pg_ts_dict s JOIN user_namespace n ON n.oid = s.dictnamespace
    JOIN pg_catalog.pg_ts_template t ON t.oid = s.dicttemplate
    JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_ts_dict'::regclass AND e.objid = s.oid)
    UNION ALL
    SELECT 4, 's' || s.oid, 'text search configuration ' || n.quoted || '.' || quote_ident(s.cfgname),
           'CREATE TEXT SEARCH CONFIGURATION ' || n.quoted || '.' || quote_ident(s.cfgname) || ' (PARSER = '
             || quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) || ')'
             || coalesce((SELECT string_agg('; ALTER TEXT SEARCH CONFIGURATION ' || n.quoted || '.' || quote_ident(s.cfgname)
                                              || ' ADD MAPPING FOR ' || quote_ident(m.alias) || ' WITH ' || m.dictionaries, ''
                                            ORDER BY m.alias)
                          FROM (SELECT y.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno)
                                         AS dictionaries
                                FROM pg_catalog.pg_ts_config_map m
                                JOIN LATERAL ts_token_type(s.cfgparser) y ON y.tokid = m.maptokentype
                                WHERE m.mapcfg = s.oid GROUP BY y.alias) m), '')
    FROM pg_catalog.pg_ts_config s JOIN user_namespace n ON n.oid = s.cfgnamespace
    JOIN pg_catalog.pg_ts_parser p ON p.oid = s.cfgparser
    JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
    WHERE NOT EXISTS (SELECT FROM extension_member e
                      WHERE e.classid = 'pg_catalog.pg_ts_config'::regclass AND e.objid = s.oid)
) b ORDER BY step, object
