SELECT a.pid AS process, coalesce(a.usename::text, '?') AS login, a.application_name AS program,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS place
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN user_namespace n ON n.oid = c.relnamespace
WHERE l.granted AND l.locktype = 'relation' AND a.datname = pg_catalog.current_database()
  AND c.relkind IN ('r', 'p', 'm') AND a.pid <> pg_catalog.pg_backend_pid()
ORDER BY a.application_name = 'dbsynth', a.xact_start, a.pid, 4
LIMIT 1
