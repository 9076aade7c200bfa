//! The built-in types of PostgreSQL, and those made of them.

use super::Kind;

/// Types that the columns need.
pub(super) const SETUP: &str = r"
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy', 'a,b', '');
CREATE DOMAIN percent AS numeric(5, 2) CHECK (VALUE BETWEEN 0 AND 100);
CREATE DOMAIN small_percent AS percent CHECK (VALUE <= 50);
CREATE DOMAIN code AS text CHECK (VALUE ~ '^[A-Z]{2}-[0-9]+$');
CREATE DOMAIN scores AS integer[] CHECK (cardinality(VALUE) >= 1);
CREATE DOMAIN future AS daterange CHECK (NOT isempty(VALUE));
CREATE TYPE place AS (street text, number int, at point, since date);
CREATE DOMAIN address AS place;
CREATE TYPE visit AS (where_to place, moods mood[], lasting interval);
CREATE TYPE float_range AS RANGE (subtype = float8, subtype_diff = float8mi);
CREATE TYPE time_range AS RANGE (subtype = time);
CREATE TYPE net_range AS RANGE (subtype = inet)";

/// One value: as it was generated, and as it is held.
pub(super) fn equal(name: &str, kind: &str, literal: &str) -> String {
    format!("\"{name}\"::text = '{literal}'::{kind}::text")
}

pub(super) const KINDS: &[Kind] = &[
    ("i2", "smallint", "i * 7 - 800"),
    ("i4", "integer", "i * 7919 % 100003 - 500"),
    (
        "i8",
        "bigint",
        "CASE i % 10 WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775808 ELSE i * 1000000007::bigint END",
    ),
    ("o", "oid", "CASE i % 10 WHEN 0 THEN 4294967295 ELSE i * 17000000::bigint END::oid"),
    ("n", "numeric", "i * 1.375"),
    (
        "n_special",
        "numeric",
        "CASE i % 10 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' WHEN 2 THEN '-Infinity' ELSE i * 0.1 END",
    ),
    ("n10", "numeric(10, 3)", "i * 1.201"),
    ("n38", "numeric(38, 20)", "i * 1234567.01234567890123456789"),
    ("n_neg", "numeric(6, -2)", "i * 1700 - 9000"),
    ("n_tiny", "numeric(3, 5)", "(i % 900) * 0.00001"),
    ("n0", "numeric(12)", "i * 1234567"),
    ("n_wide", "numeric(60, 30)", "i * 123456789012345.678901234567"),
    ("m", "money", "(i * 123.45)::numeric::money"),
    ("m_neg", "money", "(i * -99.99)::numeric::money"),
    ("f4", "real", "CASE i % 10 WHEN 0 THEN 'NaN' WHEN 1 THEN 'Infinity' ELSE i / 7.0 END::real"),
    (
        "f8",
        "double precision",
        "CASE i % 10 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' ELSE i / 7.0 END::float8",
    ),
    ("f8_wide", "double precision", "i * 1e300"),
    ("b", "boolean", "i % 3 = 0"),
    ("p", "percent", "i % 101"),
    ("sp", "small_percent", "(i % 200) / 4.0"),
    ("q", "\"char\"", "chr(65 + i % 20)::\"char\""),
    ("c", "char(6)", "'c' || i % 40"),
    ("c1", "char", "chr(97 + i % 15)"),
    ("v", "varchar(12)", "'value ' || i"),
    ("t", "text", "'line ' || i || E'\\nwith \\t and \\\\ of ' || i % 9"),
    ("nm", "name", "'name_' || i"),
    ("e", "mood", "(enum_range(NULL::mood))[1 + i % 5]"),
    ("dc", "code", "'AB-' || i"),
    ("u", "uuid", "md5(i::text)::uuid"),
    ("by", "bytea", "decode(repeat(md5(i::text), 1 + i % 3), 'hex')"),
    ("bt", "bit(7)", "(i % 128)::bit(7)"),
    ("bt64", "bit(70)", "(i * 7919::bigint)::bit(64) || '101010'"),
    ("vb", "varbit", "substr(repeat('0110', 9), 1, i % 30)::varbit"),
    ("vb9", "bit varying(9)", "(i % 512)::bit(9)"),
    ("d", "date", "date '2019-01-01' + i * 3"),
    (
        "d_odd",
        "date",
        "CASE i % 10 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '0044-03-15 BC' WHEN 3 THEN '5874897-12-31' ELSE date '2019-01-01' + i END",
    ),
    ("ti", "time", "time '08:00' + i * interval '1 minute 1.25 seconds'"),
    ("ti0", "time(0)", "CASE i % 10 WHEN 0 THEN '24:00' ELSE time '08:00' + i * interval '61 seconds' END"),
    (
        "tz",
        "timetz",
        "((time '08:00' + i * interval '1 minute')::text || CASE i % 3 WHEN 0 THEN '+05:30' WHEN 1 THEN '-08' ELSE '+00' END)::timetz",
    ),
    ("tz3", "timetz(3)", "((time '08:00' + i * interval '1.125 seconds')::text || '-15:59:59')::timetz"),
    ("ts", "timestamp", "timestamp '2020-01-01' + i * interval '5 hours 0.123456 seconds'"),
    ("ts0", "timestamp(0)", "timestamp '2020-01-01' + i * interval '61 minutes'"),
    (
        "ts_odd",
        "timestamp",
        "CASE i % 10 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '0044-03-15 12:00:00 BC' ELSE timestamp '2020-01-01' + i * interval '1 hour' END",
    ),
    ("tsz", "timestamptz", "timestamptz '2020-01-01 00:00+00' + i * interval '7 hours'"),
    (
        "tsz_odd",
        "timestamptz(3)",
        "CASE i % 10 WHEN 0 THEN 'infinity' WHEN 1 THEN '-infinity' WHEN 2 THEN '4713-01-01 00:00+00 BC' ELSE timestamptz '2020-01-01 00:00+00' + i * interval '1.125 hours' END",
    ),
    (
        "iv",
        "interval",
        "make_interval(years => i % 4 - 2, months => i % 11, days => i % 29 - 10, hours => i % 23, secs => i / 8.0)",
    ),
    ("iv_ds", "interval day to second(2)", "make_interval(days => i % 9, hours => i, secs => i / 4.0)"),
    ("iv_ym", "interval year to month", "make_interval(months => i)"),
    ("iv_neg", "interval", "-make_interval(secs => i * 0.5)"),
    ("j", "json", "format('{\"b\": %s,  \"a\": [%s, null, \"x\"]}', i, i % 7)::json"),
    (
        "jb",
        "jsonb",
        "jsonb_build_object('n', i / 8.0, 'k', 'kind ' || i % 4, 'deep', jsonb_build_object('on', i % 2 = 0))",
    ),
    (
        "jb_mixed",
        "jsonb",
        "CASE i % 4 WHEN 0 THEN 'null' WHEN 1 THEN to_jsonb(i) WHEN 2 THEN '\"text\"' ELSE '[]' END::jsonb",
    ),
    ("x", "xml", "format('<a n=\"%s\"><b>%s &amp; co</b></a>', i, i % 8)::xml"),
    ("jp", "jsonpath", "format('$.\"k%s\"[*]', i % 12)::jsonpath"),
    ("tv", "tsvector", "to_tsvector('simple', 'alpha beta word' || i % 12 || ' gamma' || i % 5)"),
    ("tv_plain", "tsvector", "format('''it''''s'' w%s:%sA,%s', i % 9, i, i + 300)::tsvector"),
    ("tq", "tsquery", "format('w%s & (a | !b) & c:*', i % 9)::tsquery"),
    (
        "ip",
        "inet",
        "CASE i % 3 WHEN 0 THEN format('2001:db8::%s', i) WHEN 1 THEN format('10.1.%s.7/24', i) ELSE format('192.168.%s.1', i) END::inet",
    ),
    (
        "ci",
        "cidr",
        "CASE i % 3 WHEN 0 THEN format('2001:db8:%s::/48', i) ELSE format('10.%s.0.0/16', i) END::cidr",
    ),
    ("ma", "macaddr", "('08:00:2b:01:02:' || lpad(to_hex(i % 256), 2, '0'))::macaddr"),
    ("ma8", "macaddr8", "('08:00:2b:ff:fe:01:02:' || lpad(to_hex(i % 256), 2, '0'))::macaddr8"),
    ("ls", "pg_lsn", "('16/' || to_hex(i * 4096))::pg_lsn"),
    ("xi", "xid", "i::text::xid"),
    ("xi8", "xid8", "i::text::xid8"),
    ("ci_d", "cid", "(i % 30)::text::cid"),
    ("td", "tid", "format('(%s,%s)', i, 1 + i % 9)::tid"),
    ("rc", "regclass", "(ARRAY['pg_class', 'pg_type', 'pg_proc', 'pg_index'])[1 + i % 4]::regclass"),
    ("rt", "regtype", "(ARRAY['integer', 'text', 'double precision', 'mood'])[1 + i % 4]::regtype"),
    ("rp", "regproc", "(ARRAY['now', 'array_in', 'int4in'])[1 + i % 3]::regproc"),
    ("rpd", "regprocedure", "(ARRAY['abs(integer)', 'lower(text)', 'abs(bigint)'])[1 + i % 3]::regprocedure"),
    ("ro", "regoper", "(ARRAY['||/', '!!', '|/'])[1 + i % 3]::regoper"),
    (
        "rod",
        "regoperator",
        "(ARRAY['+(integer,integer)', '=(text,text)', '-(bigint,bigint)'])[1 + i % 3]::regoperator",
    ),
    ("rcf", "regconfig", "(ARRAY['simple', 'english', 'german'])[1 + i % 3]::regconfig"),
    ("rd", "regdictionary", "(ARRAY['simple', 'english_stem', 'german_stem'])[1 + i % 3]::regdictionary"),
    ("rn", "regnamespace", "(ARRAY['pg_catalog', 'public'])[1 + i % 2]::regnamespace"),
    ("rco", "regcollation", "(ARRAY['\"C\"', '\"POSIX\"'])[1 + i % 2]::regcollation"),
    ("sn", "pg_snapshot", "format('%s:%s:%s', i, i + 9, i + 4)::pg_snapshot"),
    ("sn_old", "txid_snapshot", "format('%s:%s:', i, i + 9)::txid_snapshot"),
    ("ov", "oidvector", "format('%s 2 3', i)::oidvector"),
    ("iv2", "int2vector", "format('4 %s', i)::int2vector"),
    ("rcu", "refcursor", "('cursor ' || i)::refcursor"),
    ("pt", "point", "point(i * 0.25, -i)"),
    ("li", "line", "line(point(i, 0), point(0, i + 0.5))"),
    ("sg", "lseg", "lseg(point(i, 0.5), point(0, i))"),
    ("bx", "box", "box(point(i, 0), point(-i, i * 0.5))"),
    ("pa", "path", "format('[(%s,0),(1,%s),(2,2)]', i, i)::path"),
    ("pa_closed", "path", "format('((%s,0),(1,%s),(2.5,2))', i, i)::path"),
    ("po", "polygon", "format('((0,0),(%s,0),(%s,%s),(0,9))', i, i, i)::polygon"),
    ("cr", "circle", "circle(point(i, -i), 0.5 + i * 0.25)"),
    (
        "r4",
        "int4range",
        "CASE i % 10 WHEN 0 THEN 'empty' WHEN 1 THEN int4range(NULL, i) ELSE int4range(i, i + 5) END",
    ),
    ("r8", "int8range", "int8range(i * 10000000000, NULL)"),
    (
        "rnu",
        "numrange",
        "numrange(i * 0.25, i + 0.75, CASE i % 4 WHEN 0 THEN '[]' WHEN 1 THEN '()' WHEN 2 THEN '(]' ELSE '[)' END)",
    ),
    ("rda", "daterange", "daterange('2020-01-01', date '2020-01-02' + i)"),
    (
        "rts",
        "tsrange",
        "tsrange(timestamp '2020-01-01' + i * interval '1 hour', timestamp '2020-01-02' + i * interval '2 hours')",
    ),
    (
        "rtz",
        "tstzrange",
        "tstzrange(timestamptz '2020-01-01 00:00+00' + i * interval '1 hour', CASE WHEN i % 3 = 0 THEN 'infinity'::timestamptz END)",
    ),
    ("rf", "float_range", "float_range(i / 8.0, i)"),
    ("rti", "time_range", "time_range('08:00', time '09:00' + i * interval '1 minute')"),
    ("rne", "net_range", "net_range('10.0.0.1', ('10.0.1.' || i % 256)::inet)"),
    ("rfu", "future", "daterange(date '2020-01-01' + i, date '2020-02-02' + i * 2)"),
    (
        "m4",
        "int4multirange",
        "CASE i % 10 WHEN 0 THEN '{}' ELSE int4multirange(int4range(i, i + 2), int4range(i + 10, i + 20)) END",
    ),
    ("m8", "int8multirange", "int8multirange(int8range(i, i + 9))"),
    ("mn", "nummultirange", "nummultirange(numrange(0, i * 0.25, '[]'))"),
    (
        "md",
        "datemultirange",
        "datemultirange(daterange('2020-01-01', date '2020-01-02' + i), daterange('2024-01-01', date '2024-01-02' + i))",
    ),
    (
        "mt",
        "tsmultirange",
        "tsmultirange(tsrange('2020-01-01', timestamp '2020-01-02' + i * interval '1 hour'))",
    ),
    (
        "mtz",
        "tstzmultirange",
        "tstzmultirange(tstzrange('2020-01-01 00:00+00', timestamptz '2020-01-02 00:00+00' + i * interval '1 hour'))",
    ),
    ("mf", "float_multirange", "float_multirange(float_range(0, i / 8.0))"),
    (
        "mti",
        "time_multirange",
        "time_multirange(time_range('08:00', time '09:00' + i * interval '1 minute'))",
    ),
    ("a4", "integer[]", "CASE i % 10 WHEN 0 THEN '{}' ELSE ARRAY[i, NULL, i % 7] END"),
    ("a2", "integer[][]", "ARRAY[[1, i], [i % 9, 4]]"),
    ("a3", "integer[]", "ARRAY[[[1, i], [3, 4]], [[5, 6], [7, i % 8]]]"),
    ("ab", "boolean[]", "ARRAY[true, i % 2 = 0]"),
    ("an", "numeric(10, 2)[]", "ARRAY[i * 1.25, NULL]"),
    ("af", "float8[]", "ARRAY[i / 8.0, 'Infinity', 'NaN']"),
    ("a_txt", "text[]", "ARRAY['a b', 'tag' || i % 5, NULL, '', 'NULL', '\"q\\', '{,}']"),
    ("ac", "char(3)[]", "ARRAY['a', 'b' || i % 5]"),
    ("av", "varchar(5)[]", "ARRAY['v' || i % 7]"),
    ("ae", "mood[]", "ARRAY['happy', (enum_range(NULL::mood))[1 + i % 5]]::mood[]"),
    ("ad", "date[]", "ARRAY[date '2020-01-01' + i, 'infinity']"),
    ("ati", "time[]", "ARRAY[time '08:00' + i * interval '1 minute']"),
    (
        "atz",
        "timetz[]",
        "ARRAY['08:00+02'::timetz, ((time '08:00' + i * interval '1 minute')::text || '-03')::timetz]",
    ),
    ("ats", "timestamp[]", "ARRAY[timestamp '2020-01-01' + i * interval '1 hour']"),
    ("atsz", "timestamptz[]", "ARRAY[timestamptz '2020-01-01 00:00+00' + i * interval '1 hour', 'infinity']"),
    ("aiv", "interval[]", "ARRAY[make_interval(days => i), make_interval(secs => i / 2.0)]"),
    ("au", "uuid[]", "ARRAY[md5(i::text)::uuid]"),
    ("aby", "bytea[]", "ARRAY[decode(md5(i::text), 'hex')]"),
    ("aj", "json[]", "ARRAY[format('{\"a\": %s}', i)::json]"),
    ("ajb", "jsonb[]", "ARRAY[jsonb_build_object('a', i, 'b', 'it''s')]"),
    ("ax", "xml[]", "ARRAY[format('<a>%s</a>', i)::xml]"),
    ("aip", "inet[]", "ARRAY[('10.0.0.' || i % 250)::inet]"),
    ("ama", "macaddr[]", "ARRAY['08:00:2b:01:02:03'::macaddr]"),
    ("abt", "bit(3)[]", "ARRAY[(i % 8)::bit(3)]"),
    ("apt", "point[]", "ARRAY[point(i, 0), point(0, i)]"),
    ("abx", "box[]", "ARRAY[box(point(i, 0), point(0, i)), box(point(1, 1), point(2, 2))]"),
    ("ar", "int4range[]", "ARRAY[int4range(i, i + 3), NULL]"),
    ("amr", "int4multirange[]", "ARRAY[int4multirange(int4range(i, i + 1), int4range(i + 5, i + 9))]"),
    ("am", "money[]", "ARRAY[i::money, 1::money]"),
    ("apc", "percent[]", "ARRAY[i % 100]::percent[]"),
    ("apl", "place[]", "ARRAY[ROW('Main St ' || i % 9, i, point(i, i), date '2020-01-01' + i)::place, NULL]"),
    ("atv", "tsvector[]", "ARRAY[to_tsvector('simple', 'word' || i % 9)]"),
    ("als", "pg_lsn[]", "ARRAY[('0/' || to_hex(i))::pg_lsn]"),
    ("a_dom", "scores", "ARRAY[i, i % 5]"),
    ("cp", "place", "ROW('Street ' || i % 9, i, point(i, 1), date '2020-01-01' + i)::place"),
    ("cad", "address", "ROW('High, \"St\" (' || i % 9 || ')', i % 30, NULL, NULL)::place"),
    (
        "cv",
        "visit",
        "ROW(ROW('Way ' || i % 6, i, point(1, i), '2020-02-02')::place, ARRAY['sad', 'it''s ok']::mood[], make_interval(hours => i))::visit",
    ),
];

/// Extensions that come with the server's own packages (Debian: `postgresql`).
pub(super) const CONTRIB: &[&str] = &["hstore", "ltree", "citext", "cube", "seg", "isn", "intarray", "lo"];

pub(super) const CONTRIB_KINDS: &[Kind] = &[
    (
        "hs",
        "hstore",
        "hstore(ARRAY['k' || i % 3, 'n'], ARRAY[i::text, CASE WHEN i % 5 = 0 THEN NULL ELSE 'it''s \"q\"' END])",
    ),
    ("lt", "ltree", "('top.n' || i % 9 || '.leaf_' || i % 4)::ltree"),
    ("lq", "lquery", "('top.*{1,' || 1 + i % 4 || '}.leaf')::lquery"),
    ("ltq", "ltxtquery", "('top & n' || i % 4)::ltxtquery"),
    ("ct", "citext", "'Nick ' || i % 50"),
    ("cu", "cube", "format('(%s,0.5),(%s,9.25)', i, i + 2)::cube"),
    ("cu_point", "cube", "cube(ARRAY[i, i * 0.25, 3])"),
    ("se", "seg", "format('%s.0 .. %s', i, i + 4)::seg"),
    ("se_open", "seg", "(CASE i % 3 WHEN 0 THEN '>' WHEN 1 THEN '~' ELSE '' END || i || '.5')::seg"),
    ("i13", "isbn13", "isbn13('978' || lpad((i * 7919)::text, 9, '0') || '?')"),
    ("i10", "isbn", "isbn('978' || lpad((i * 104729)::text, 9, '0') || '?')"),
    ("is13", "issn13", "issn13('977' || lpad((i * 7919)::text, 7, '0') || '00?')"),
    ("is8", "issn", "issn('977' || lpad((i * 7919)::text, 7, '0') || '00?')"),
    ("im13", "ismn13", "ismn13('9790' || lpad((i * 7919)::text, 8, '0') || '?')"),
    ("im", "ismn", "ismn('9790' || lpad((i * 7919)::text, 8, '0') || '?')"),
    ("ean", "ean13", "ean13('400' || lpad((i * 7919)::text, 9, '0') || '?')"),
    ("upc", "upc", "upc('0' || lpad((i * 7919)::text, 11, '0') || '?')"),
    ("qi", "query_int", "format('%s&(2|!3)', 1 + i % 6)::query_int"),
    ("lo", "lo", "i"),
    ("ahs", "hstore[]", "ARRAY[hstore('k' || i % 3, (i % 5)::text)]"),
    ("alt", "ltree[]", "ARRAY['a.b', 'c.n' || i % 9]::ltree[]"),
    ("act", "citext[]", "ARRAY['Tag ' || i % 7, 'x']::citext[]"),
];

/// The types of PostGIS.
pub(super) const POSTGIS: &[&str] = &["postgis"];

pub(super) const POSTGIS_KINDS: &[Kind] = &[
    ("g", "geometry", "ST_MakePoint(i * 0.25, -i)"),
    (
        "g_mixed",
        "geometry",
        "CASE i % 4 WHEN 0 THEN ST_GeomFromText('POINT EMPTY') WHEN 1 THEN ST_SetSRID(ST_MakePoint(i, 1), 3857) ELSE ST_GeomFromText(format('LINESTRING(0 0,%s 1)', i)) END",
    ),
    (
        "pt",
        "geometry(Point,4326)",
        "ST_SetSRID(ST_MakePoint(-70 + (i % 40) * 0.5, 40 + (i % 60) * 0.25), 4326)",
    ),
    ("pt_flat", "geometry(Point,3857)", "ST_SetSRID(ST_MakePoint(i * 1000, i * 500.5), 3857)"),
    ("ptz", "geometry(PointZ,4326)", "ST_SetSRID(ST_MakePoint(i * 0.25, i * 0.125, 100 + i), 4326)"),
    ("ptm", "geometry(PointM)", "ST_MakePointM(i, i, 7)"),
    ("ptzm", "geometry(PointZM)", "ST_MakePoint(i, i * 0.5, 3, 4)"),
    (
        "ls",
        "geometry(LineString,4326)",
        "ST_GeomFromText(format('LINESTRING(%s 0,1 %s,2 2)', i * 0.25, i * 0.25), 4326)",
    ),
    (
        "po",
        "geometry(Polygon,4326)",
        "ST_GeomFromText(format('POLYGON((0 0,%s 0,%s %s,0 0))', i * 0.25, i * 0.25, i * 0.25), 4326)",
    ),
    (
        "po_hole",
        "geometry(Polygon)",
        "ST_GeomFromText(format('POLYGON((0 0,%s 0,%s %s,0 %s,0 0),(1 1,2 1,2 2,1 1))', i + 9, i + 9, i + 9, i + 9))",
    ),
    ("mp", "geometry(MultiPoint,4326)", "ST_GeomFromText(format('MULTIPOINT((0 0),(%s 1))', i * 0.5), 4326)"),
    (
        "ml",
        "geometry(MultiLineString)",
        "ST_GeomFromText(format('MULTILINESTRING((0 0,1 %s),(5 5,6 6,7 8))', i))",
    ),
    (
        "mo",
        "geometry(MultiPolygon,4326)",
        "ST_GeomFromText(format('MULTIPOLYGON(((0 0,%s 0,1 1,0 0)),((20 20,21 20,21 21,20 20)))', 1 + i * 0.25), 4326)",
    ),
    (
        "gc",
        "geometry(GeometryCollection)",
        "ST_GeomFromText(format('GEOMETRYCOLLECTION(POINT(%s 2),LINESTRING(0 0,1 1))', i))",
    ),
    ("cs", "geometry(CircularString)", "ST_GeomFromText(format('CIRCULARSTRING(0 0,%s 1,2 0)', i))"),
    (
        "cp",
        "geometry(CurvePolygon)",
        "ST_GeomFromText(format('CURVEPOLYGON(CIRCULARSTRING(0 0,%s 0,%s %s,0 %s,0 0))', i, i, i, i))",
    ),
    (
        "cc",
        "geometry(CompoundCurve)",
        "ST_GeomFromText(format('COMPOUNDCURVE(CIRCULARSTRING(0 0,1 1,1 0),(1 0,0 %s))', i))",
    ),
    ("tr", "geometry(Triangle)", "ST_GeomFromText(format('TRIANGLE((0 0,%s 0,0 9,0 0))', i))"),
    ("ti", "geometry(TIN)", "ST_GeomFromText(format('TIN(((0 0,%s 0,0 9,0 0)))', i))"),
    (
        "ps",
        "geometry(PolyhedralSurfaceZ)",
        "ST_GeomFromText(format('POLYHEDRALSURFACE Z(((0 0 0,0 0 %s,0 1 1,0 1 0,0 0 0)))', i))",
    ),
    ("gg", "geography", "ST_GeogFromText(format('POINT(%s 40)', -70 + (i % 90) * 0.5))"),
    (
        "ggp",
        "geography(Point,4326)",
        "ST_GeogFromText(format('POINT(%s %s)', -70 + (i % 40) * 0.5, (i % 60) * 0.25))",
    ),
    (
        "ggl",
        "geography(LineString,4326)",
        "ST_GeogFromText(format('LINESTRING(0 0,%s 1,2 2)', (i % 90) * 0.5))",
    ),
    (
        "ggo",
        "geography(Polygon,4326)",
        "ST_GeogFromText(format('POLYGON((0 0,%s 0,1 %s,0 0))', 1 + (i % 90) * 0.5, 1 + (i % 60) * 0.25))",
    ),
    ("bx", "box2d", "ST_MakeBox2D(ST_MakePoint(i, 0), ST_MakePoint(i + 1, 2))"),
    ("bx3", "box3d", "ST_3DMakeBox(ST_MakePoint(i, 0, 1), ST_MakePoint(i + 1, 2, 3))"),
    ("ag", "geometry(Point,4326)[]", "ARRAY[ST_SetSRID(ST_MakePoint(i * 0.25, 1), 4326)]"),
];
