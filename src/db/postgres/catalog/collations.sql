SELECT 'collation ' || n.quoted || '.' || quote_ident(c.collname) AS object, NULL::int8 AS relation, false AS optional,
       'CREATE COLLATION ' || n.quoted || '.' || quote_ident(c.collname) || ' ('
         || CASE c.collprovider WHEN 'i' THEN 'provider = icu' WHEN 'b' THEN 'provider = builtin'
                                ELSE 'provider = libc' END
         || CASE WHEN c.collisdeterministic THEN '' ELSE ', deterministic = false' END
         || coalesce(', locale = ' || quote_literal(coalesce(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale',
                CASE WHEN c.collprovider = 'i' THEN c.collcollate::text END)), '')
         || CASE WHEN c.collprovider = 'c'
                 THEN ', lc_collate = ' || quote_literal(c.collcollate) || ', lc_ctype = ' || quote_literal(c.collctype)
                 ELSE '' END
         || coalesce(', rules = ' || quote_literal(to_jsonb(c) ->> 'collicurules'), '') || ')' AS sql
FROM pg_catalog.pg_collation c JOIN user_namespace n ON n.oid = c.collnamespace
WHERE NOT EXISTS (SELECT FROM extension_member e
                  WHERE e.classid = 'pg_catalog.pg_collation'::regclass AND e.objid = c.oid)
ORDER BY n.nspname, c.collname
