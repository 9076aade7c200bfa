SELECT 't' || t.oid AS key, 'type ' || t.qualified AS object,
       CASE t.typtype
         WHEN 'e' THEN 'CREATE TYPE ' || t.qualified || ' AS ENUM (' || coalesce(
             (SELECT string_agg(quote_literal(l.enumlabel), ', ' ORDER BY l.enumsortorder)
              FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid), '') || ')'
         WHEN 'c' THEN 'CREATE TYPE ' || t.qualified || ' AS (' || coalesce(
             (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
                         || CASE WHEN a.attcollation <> 0 AND a.attcollation <> y.typcollation
                                 THEN ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                                 ELSE '' END, ', ' ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute a
              JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
              LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
              LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '') || ')'
         WHEN 'd' THEN 'CREATE DOMAIN ' || t.qualified || ' AS ' || format_type(t.typbasetype, t.typtypmod)
             || CASE WHEN t.typcollation <> 0 AND t.typcollation <> b.typcollation
                     THEN (SELECT ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                           FROM pg_catalog.pg_collation co
                           JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                           WHERE co.oid = t.typcollation) ELSE '' END
             || coalesce(' DEFAULT ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)), '')
             || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END
             || coalesce((SELECT string_agg(' CONSTRAINT ' || quote_ident(k.conname) || ' '
                                            || pg_get_constraintdef(k.oid), '' ORDER BY k.conname)
                          FROM pg_catalog.pg_constraint k
                          WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated), '')
         WHEN 'r' THEN (
             SELECT 'CREATE TYPE ' || t.qualified || ' AS RANGE (SUBTYPE = ' || format_type(r.rngsubtype, NULL)
                 || coalesce((SELECT ', COLLATION = ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                              FROM pg_catalog.pg_collation co
                              JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                              JOIN pg_catalog.pg_type y ON y.oid = r.rngsubtype
                              WHERE co.oid = r.rngcollation AND r.rngcollation <> y.typcollation), '')
                 || coalesce((SELECT ', SUBTYPE_OPCLASS = ' || quote_ident(pn.nspname) || '.' || quote_ident(p.opcname)
                              FROM pg_catalog.pg_opclass p
                              JOIN pg_catalog.pg_namespace pn ON pn.oid = p.opcnamespace
                              WHERE p.oid = r.rngsubopc AND NOT p.opcdefault), '')
                 || CASE WHEN r.rngsubdiff <> 0 THEN ', SUBTYPE_DIFF = ' || r.rngsubdiff::regproc ELSE '' END
                 || coalesce((SELECT ', MULTIRANGE_TYPE_NAME = ' || quote_ident(mn.nspname) || '.'
                                     || quote_ident(m.typname)
                              FROM pg_catalog.pg_type m
                              JOIN pg_catalog.pg_namespace mn ON mn.oid = m.typnamespace
                              WHERE m.oid = (to_jsonb(r) ->> 'rngmultitypid')::oid), '')
                 || ')'
             FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid)
       END AS sql
FROM (SELECT t.*, n.nspname, n.quoted || '.' || quote_ident(t.typname) AS qualified
      FROM pg_catalog.pg_type t JOIN user_namespace n ON n.oid = t.typnamespace) t
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE (t.typtype IN ('e', 'd', 'r')
       OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_catalog.pg_class c
                                      WHERE c.oid = t.typrelid AND c.relkind = 'c'))
  AND NOT EXISTS (SELECT FROM extension_member e
                  WHERE e.classid = 'pg_catalog.pg_type'::regclass AND e.objid = t.oid)
ORDER BY t.nspname, t.typname
