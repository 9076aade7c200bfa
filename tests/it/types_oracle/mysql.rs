//! The types of MySQL and MariaDB.

use super::Kind;

/// One value: as it was generated, and as it is held.
pub(super) fn equal(name: &str, kind: &str, literal: &str) -> String {
    let literal = literal.replace('\\', "\\\\");
    let kind = kind.to_lowercase();
    let spatial = ["geometry", "point", "line", "polygon", "geom"].iter().any(|word| kind.contains(word));
    match kind.as_str() {
        _ if spatial => {
            let (system, text) = match literal.strip_prefix("SRID=").and_then(|rest| rest.split_once(';')) {
                Some((system, text)) => (system, text),
                None => ("0", literal.as_str()),
            };
            format!("ST_AsBinary(`{name}`) = ST_AsBinary(ST_GeomFromText('{text}', {system}))")
        }
        "json" => format!("JSON_CONTAINS(`{name}`, '{literal}') AND JSON_CONTAINS('{literal}', `{name}`)"),
        // The server compares vectors with vectors alone.
        _ if kind.starts_with("vector") => format!("`{name}` = STRING_TO_VECTOR('{literal}')"),
        _ => format!("`{name}` = '{literal}'"),
    }
}

pub(super) const KINDS: &[Kind] = &[
    ("i1", "TINYINT", "i % 200 - 100"),
    ("u1", "TINYINT UNSIGNED", "i % 250"),
    ("fl", "TINYINT(1)", "i % 3 = 0"),
    ("fl_odd", "TINYINT(1)", "i % 5"),
    ("i2", "SMALLINT", "i * 131 - 16000"),
    ("u2", "SMALLINT UNSIGNED", "i * 271"),
    ("i3", "MEDIUMINT", "i * 29000 - 4000000"),
    ("u3", "MEDIUMINT UNSIGNED", "i * 60000"),
    ("i4", "INT", "i * 7919 - 500"),
    ("u4", "INT UNSIGNED", "4294967295 - i * 3"),
    ("z4", "INT(7) UNSIGNED ZEROFILL", "i * 3"),
    ("i8", "BIGINT", "IF(i % 10 = 0, 9223372036854775807, i * 1000000007 - 5)"),
    ("u8", "BIGINT UNSIGNED", "i * 1000000007"),
    ("u8_wide", "BIGINT UNSIGNED", "18446744073709551615 - i * 5"),
    ("dc", "DECIMAL(10,3)", "i * 1.201"),
    ("du", "DECIMAL(10,2) UNSIGNED", "i * 0.25"),
    ("d0", "DECIMAL(20,0)", "i * 1234567890"),
    ("d65", "DECIMAL(65,30)", "i * 12345678901.234567890123456789"),
    ("f4", "FLOAT", "i / 7"),
    ("f4d", "FLOAT(7,3)", "i * 1.125"),
    ("f8", "DOUBLE", "i / 7"),
    ("f8d", "DOUBLE(10,2) UNSIGNED", "i * 3.25"),
    ("f8w", "DOUBLE", "i * 1e300"),
    ("b1", "BIT(1)", "i % 2"),
    ("b8", "BIT(8)", "i % 256"),
    ("b64", "BIT(64)", "CAST(18446744073709551615 AS UNSIGNED) - i * 77"),
    ("da", "DATE", "DATE_ADD('1969-12-01', INTERVAL i DAY)"),
    ("da_wide", "DATE", "IF(i % 10 = 0, '9999-12-31', DATE_ADD('1000-01-01', INTERVAL i YEAR))"),
    ("ti", "TIME", "SEC_TO_TIME(i * 11000 - 1500000)"),
    ("ti6", "TIME(6)", "ADDTIME('00:00:00.000001', SEC_TO_TIME(i * 3000.25))"),
    ("ti2", "TIME(2)", "SEC_TO_TIME(i * 0.25)"),
    ("dt", "DATETIME", "DATE_ADD('1999-12-31 23:59:59', INTERVAL i DAY)"),
    ("dt3", "DATETIME(3)", "DATE_ADD('2020-02-29 12:00:00.125', INTERVAL i * 125000 MICROSECOND)"),
    ("dt6", "DATETIME(6)", "DATE_ADD('2020-02-29 12:00:00.123456', INTERVAL i * 100001 MICROSECOND)"),
    ("ts", "TIMESTAMP", "DATE_ADD('2021-03-28 01:30:00', INTERVAL i MINUTE)"),
    ("ts6", "TIMESTAMP(6)", "DATE_ADD('2021-03-28 01:30:00.000001', INTERVAL i * 1000001 MICROSECOND)"),
    ("y", "YEAR", "IF(i % 10 = 0, 0, 1901 + i % 250)"),
    ("ch", "CHAR(10)", "CONCAT('c', i % 50)"),
    ("ch_bin", "CHAR(4) CHARACTER SET ascii COLLATE ascii_bin", "LPAD(i, 4, '0')"),
    ("vc", "VARCHAR(30)", "CONCAT('value ', i, ' \\\\ it''s')"),
    ("vc_l", "VARCHAR(20) CHARACTER SET latin1", "CONCAT('grün ', i % 30)"),
    ("vc_16", "VARCHAR(20) CHARACTER SET utf16", "CONCAT('ä€😀', i % 30)"),
    ("tt", "TINYTEXT", "CONCAT('tiny ', i)"),
    ("tx", "TEXT", "CONCAT('text\\n\\t', i)"),
    ("mt", "MEDIUMTEXT", "CONCAT('medium ', i % 9)"),
    ("lt", "LONGTEXT", "REPEAT('long ', 1 + i % 40)"),
    ("bn", "BINARY(4)", "UNHEX(LPAD(HEX(i * 77777), 8, '0'))"),
    ("bn16", "BINARY(16)", "UNHEX(LEFT(SHA2(i, 256), 32))"),
    ("vb", "VARBINARY(20)", "UNHEX(LEFT(LEFT(SHA2(i, 256), 32), 2 * (i % 10)))"),
    ("tb", "TINYBLOB", "UNHEX(LEFT(SHA2(i, 256), 32))"),
    ("bl", "BLOB", "UNHEX(REPEAT(LEFT(SHA2(i, 256), 32), 2))"),
    ("mb", "MEDIUMBLOB", "UNHEX(LEFT(SHA2(i % 9, 256), 32))"),
    ("lb", "LONGBLOB", "UNHEX(LEFT(SHA2(i, 256), 32))"),
    ("e", "ENUM('small','it''s','a,b','')", "ELT(1 + i % 4, 'small', 'it''s', 'a,b', '')"),
    ("s", "SET('a','b','c d','it''s')", "ELT(1 + i % 6, '', 'a', 'a,b', 'a,c d', 'c d,it''s', 'b')"),
    ("s64", "SET('s1','s2','s3','s4','s5','s6','s7','s8','s9')", "CAST(i % 512 AS UNSIGNED)"),
    (
        "j",
        "JSON",
        "JSON_OBJECT('n', i, 'list', JSON_ARRAY(i % 7, 'x'), 'null', NULL, 'deep', JSON_OBJECT('on', i % 2))",
    ),
    (
        "j_mixed",
        "JSON",
        "CASE i % 4 WHEN 0 THEN '[]' WHEN 1 THEN CONCAT(i) WHEN 2 THEN '\"text\"' ELSE 'null' END",
    ),
    ("g", "GEOMETRY", "ST_GeomFromText(CONCAT('POINT(', i, ' ', i / 8, ')'))"),
    (
        "g_mixed",
        "GEOMETRY",
        "ST_GeomFromText(IF(i % 2 = 0, CONCAT('POINT(', i, ' 1)'), CONCAT('LINESTRING(0 0,', i, ' 1)')))",
    ),
    ("pt", "POINT", "ST_GeomFromText(CONCAT('POINT(', i / 4, ' ', -i / 8, ')'))"),
    ("ls", "LINESTRING", "ST_GeomFromText(CONCAT('LINESTRING(', i, ' 0,1 ', i, ',2 2)'))"),
    ("po", "POLYGON", "ST_GeomFromText(CONCAT('POLYGON((0 0,', i, ' 0,', i, ' ', i, ',0 0))'))"),
    ("mp", "MULTIPOINT", "ST_GeomFromText(CONCAT('MULTIPOINT(0 0,', i, ' 1)'))"),
    ("ml", "MULTILINESTRING", "ST_GeomFromText(CONCAT('MULTILINESTRING((0 0,1 ', i, '),(5 5,6 6,7 8))'))"),
    (
        "mo",
        "MULTIPOLYGON",
        "ST_GeomFromText(CONCAT('MULTIPOLYGON(((0 0,', i, ' 0,1 1,0 0)),((20 20,21 20,21 21,20 20)))'))",
    ),
    (
        "gc",
        "GEOMETRYCOLLECTION",
        "ST_GeomFromText(CONCAT('GEOMETRYCOLLECTION(POINT(', i, ' 2),LINESTRING(0 0,1 1))'))",
    ),
];

/// What only MariaDB has.
pub(super) const MARIADB: &[Kind] = &[
    ("uu", "UUID", "CONCAT('00000000-0000-4000-8000-', LPAD(HEX(i * 7919), 12, '0'))"),
    ("ip4", "INET4", "CONCAT('10.0.', i % 250, '.7')"),
    ("ip6", "INET6", "CONCAT('2001:db8::', HEX(i))"),
];

/// What only MySQL has.
pub(super) const MYSQL: &[Kind] = &[
    ("ve", "VECTOR(3)", "STRING_TO_VECTOR(CONCAT('[', i, ',0.5,', i / 8, ']'))"),
    ("pt_globe", "POINT SRID 4326", "ST_GeomFromText(CONCAT('POINT(', i / 4, ' ', i / 2, ')'), 4326)"),
    ("pt_flat", "POINT SRID 3857", "ST_GeomFromText(CONCAT('POINT(', i * 1000, ' ', i * 500, ')'), 3857)"),
];
