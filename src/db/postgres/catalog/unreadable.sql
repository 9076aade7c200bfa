SELECT c.nspname AS namespace, c.relname AS name, current_user::text AS role,
       NOT has_schema_privilege(c.relnamespace, 'USAGE') AS no_schema,
       NOT g.granted AS no_table,
       g.granted AND row_security_active(c.oid) AS filtered
FROM user_relation c
CROSS JOIN LATERAL (SELECT has_table_privilege(c.oid, 'SELECT')
        OR coalesce(bool_and(has_column_privilege(c.oid, a.attnum, 'SELECT')), false) AS granted
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) g
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND (NOT has_schema_privilege(c.relnamespace, 'USAGE') OR NOT g.granted OR row_security_active(c.oid))
ORDER BY c.nspname, c.relname
