SELECT n.nspname AS name, n.quoted, quote_ident(pg_get_userbyid(s.nspowner)) AS owner,
       obj_description(n.oid, 'pg_namespace') AS comment,
       pg_has_role(s.nspowner, 'USAGE') AND has_database_privilege(current_database(), 'CREATE')
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl a WHERE a.defaclnamespace = n.oid)
         AND NOT EXISTS (SELECT FROM pg_catalog.pg_extension x
                         WHERE x.extnamespace = n.oid AND NOT (x.extrelocatable AND pg_has_role(x.extowner, 'USAGE')))
         AS movable,
       coalesce((SELECT json_agg(format('GRANT %s ON SCHEMA %I TO %s%s', a.privilege_type, n.nspname,
                                        CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                                        CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END))
                 FROM aclexplode(s.nspacl) a WHERE a.grantee <> s.nspowner), '[]') AS grants,
       coalesce((SELECT json_agg(format('ALTER EXTENSION %I SET SCHEMA %I', x.extname, n.nspname))
                 FROM pg_catalog.pg_extension x WHERE x.extnamespace = n.oid), '[]') AS extensions
FROM user_namespace n JOIN pg_catalog.pg_namespace s ON s.oid = n.oid
ORDER BY n.nspname
