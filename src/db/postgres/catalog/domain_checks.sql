SELECT k.contypid::int8 AS domain, k.conname AS name, pg_get_expr(k.conbin, 0) AS expression
FROM pg_catalog.pg_constraint k
WHERE k.contypid <> 0 AND k.contype = 'c'
ORDER BY k.contypid, k.conname
