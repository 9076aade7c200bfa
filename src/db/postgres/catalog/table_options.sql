SELECT 'options of ' || c.qualified || '.' || quote_ident(a.attname) AS object, c.oid::int8 AS relation, true AS optional,
       'ALTER ' || CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'TABLE ONLY ' END || c.qualified || ' '
         || array_to_string(ARRAY[
              CASE WHEN a.attstorage <> t.typstorage AND c.relkind <> 'p'
                   THEN 'ALTER COLUMN ' || quote_ident(a.attname) || ' SET STORAGE '
                        || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN'
                                             ELSE 'EXTENDED' END END,
              CASE to_jsonb(a) ->> 'attcompression'
                   WHEN 'p' THEN 'ALTER COLUMN ' || quote_ident(a.attname) || ' SET COMPRESSION pglz'
                   WHEN 'l' THEN 'ALTER COLUMN ' || quote_ident(a.attname) || ' SET COMPRESSION lz4' END,
              CASE WHEN a.attstattarget >= 0
                   THEN 'ALTER COLUMN ' || quote_ident(a.attname) || ' SET STATISTICS ' || a.attstattarget END,
              (SELECT 'ALTER COLUMN ' || quote_ident(a.attname) || ' SET (' || string_agg(split_part(o, '=', 1) || '='
                        || quote_literal(substr(o, strpos(o, '=') + 1)), ', ') || ')'
               FROM unnest(a.attoptions) o)], ', ') AS sql
FROM pg_catalog.pg_attribute a JOIN user_relation c ON c.oid = a.attrelid JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm')
  AND (a.attstorage <> t.typstorage AND c.relkind <> 'p' OR to_jsonb(a) ->> 'attcompression' IN ('p', 'l')
       OR a.attstattarget >= 0 OR a.attoptions IS NOT NULL)
ORDER BY a.attrelid, a.attnum
