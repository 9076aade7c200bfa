, node AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS classid, c.oid AS objid,
           CASE c.relkind WHEN 'c' THEN 't' || c.reltype ELSE 'c' || c.oid END AS key, c.relkind
    FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'c') AND c.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_type'::regclass, t.oid,
           CASE WHEN c.relkind <> 'c' THEN 'c' || c.oid
                WHEN e.oid IS NOT NULL THEN CASE WHEN ec.relkind <> 'c' THEN 'c' || ec.oid ELSE 't' || e.oid END
                WHEN r.rngtypid IS NOT NULL THEN 't' || r.rngtypid
                ELSE 't' || t.oid END, NULL
    FROM pg_catalog.pg_type t
    LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
    LEFT JOIN pg_catalog.pg_type e ON e.typarray = t.oid
    LEFT JOIN pg_catalog.pg_class ec ON ec.oid = e.typrelid
    LEFT JOIN pg_catalog.pg_range r ON (to_jsonb(r) ->> 'rngmultitypid')::oid = t.oid
    WHERE t.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_proc'::regclass, p.oid, 'f' || p.oid, NULL FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_operator'::regclass, o.oid, 'o' || o.oid, NULL FROM pg_catalog.pg_operator o WHERE o.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_cast'::regclass, k.oid, 'k' || k.oid, NULL FROM pg_catalog.pg_cast k WHERE k.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_ts_dict'::regclass, s.oid, 'd' || s.oid, NULL FROM pg_catalog.pg_ts_dict s WHERE s.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_ts_config'::regclass, s.oid, 's' || s.oid, NULL
    FROM pg_catalog.pg_ts_config s WHERE s.oid >= 16384
    UNION ALL
    SELECT 'pg_catalog.pg_attrdef'::regclass, d.oid, 'c' || d.adrelid, NULL FROM pg_catalog.pg_attrdef d
    UNION ALL
    SELECT 'pg_catalog.pg_rewrite'::regclass, w.oid, 'c' || w.ev_class, NULL
    FROM pg_catalog.pg_rewrite w WHERE w.rulename = '_RETURN'
    UNION ALL
    SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, 't' || k.contypid, NULL
    FROM pg_catalog.pg_constraint k WHERE k.contypid <> 0
)
SELECT DISTINCT a.key AS dependent, b.key AS dependency
FROM pg_catalog.pg_depend d
JOIN node a ON a.classid = d.classid AND a.objid = d.objid
JOIN node b ON b.classid = d.refclassid AND b.objid = d.refobjid
WHERE a.key <> b.key AND a.relkind IS DISTINCT FROM 'S'
ORDER BY 1, 2
