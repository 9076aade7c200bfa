SELECT current_user::text AS role, current_database()::text AS database, pg_is_in_recovery() AS standby,
       has_database_privilege(current_database(), 'CREATE') AS may_create,
       coalesce((SELECT json_agg(n.nspname ORDER BY n.nspname) FROM user_namespace n
                 WHERE NOT has_schema_privilege(n.oid, 'CREATE') OR NOT has_schema_privilege(n.oid, 'USAGE')), '[]')
         AS closed,
       coalesce((SELECT json_agg(DISTINCT o.owner ORDER BY o.owner)
                 FROM (SELECT pg_get_userbyid(c.relowner)::text AS owner FROM user_relation c
                       WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT pg_has_role(c.relowner, 'USAGE')
                       UNION ALL
                       SELECT pg_get_userbyid(n.nspowner)::text FROM pg_catalog.pg_namespace n
                       WHERE n.nspname = '_dbsynth' AND NOT pg_has_role(n.nspowner, 'USAGE')) o), '[]') AS owners
