SELECT c.oid::int8 AS oid, c.qualified, c.relpersistence = 'u' AS unlogged,
       'AS ' || format_type(s.seqtypid, NULL) || ' START WITH ' || s.seqstart || ' INCREMENT BY ' || s.seqincrement
         || ' MINVALUE ' || s.seqmin || ' MAXVALUE ' || s.seqmax || ' CACHE ' || s.seqcache
         || CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END AS options,
       o.deptype::text AS ownership, o.refobjid::int8 AS owner, o.refobjsubid AS owner_column,
       coalesce((SELECT json_agg(json_build_array(f.adrelid::int8, f.adnum) ORDER BY f.adrelid, f.adnum)
                 FROM pg_catalog.pg_depend u
                 JOIN pg_catalog.pg_attrdef f ON f.oid = u.objid
                 WHERE u.classid = 'pg_catalog.pg_attrdef'::regclass
                   AND u.refclassid = 'pg_catalog.pg_class'::regclass AND u.refobjid = c.oid), '[]') AS used_by
FROM user_relation c
JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid
LEFT JOIN LATERAL (SELECT d.deptype, d.refobjid, d.refobjsubid
                   FROM pg_catalog.pg_depend d
                   WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
                     AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i')
                     AND d.refobjsubid > 0
                   ORDER BY d.deptype DESC, d.refobjid, d.refobjsubid LIMIT 1) o ON true
WHERE c.relkind = 'S'
ORDER BY c.nspname, c.relname
