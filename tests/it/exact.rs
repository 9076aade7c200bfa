//! A table copied by consent arrives as it is: every type, every value, on every engine.

use crate::support::{Engine, Scratch, dbsynth_in, engines};

const POSTGRES: &str = r#"
CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
CREATE TYPE part AS (n numeric, t text, at timestamptz);
CREATE DOMAIN amount AS numeric CHECK (VALUE <> 13);
CREATE TABLE kept (id numeric(40, 2) PRIMARY KEY, i2 int2, i8 int8, o oid, n numeric, n38 numeric(38, 10), neg numeric(5, -2),
 am amount, m money, f4 float4, f8 float8, b bytea, c char(5), v varchar(30), q "char", nm name, d date, t time, tz timetz,
 ts timestamp, tsz timestamptz, iv interval, bo bool, u uuid, j json, jb jsonb, x xml, ip inet, ci cidr, ma macaddr, ma8 macaddr8,
 bi bit(3), bv varbit, p point, l line, s lseg, bx box, pa path, po polygon, cr circle, e mood, ea mood[], na numeric[],
 fa float8[], ta text[], ba bytea[], da timestamptz[], r numrange, rm int8multirange, tr tstzrange, pt part, pta part[],
 tv tsvector, tq tsquery, ls pg_lsn, xi xid, rc regclass, jp jsonpath);
INSERT INTO kept VALUES (12345678901234567890123456789012345678.25, -32768, -9223372036854775808, 4294967295,
 0.10000000000000000000000000000000000000000001000, 9999999999999999999999999999.9999999999, 99900, 12.3400, '$92,233,720,368,547,758.07',
 0.1, 0.1::float8 + 0.2, '\x00ff5c', 'a  ', 'tab	 \ back', 'x', 'n', 'infinity', '24:00', '12:34:56.789+05:30',
 '294276-12-31 23:59:59.999999', '0044-03-15 12:00:00.000001+00 BC', '-1 year 2 mons -3 days 04:05:06.7', true,
 '00000000-0000-0000-0000-0000000000ff', '{"b": 1,  "a": 1.10}', '{"n": 12345678901234567890.123}', '<a b="1">x &amp; y</a>',
 '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'101', B'', '(0.1,1e-300)', '{1,2,3}', '[(1,2),(3,4)]',
 '(1,2),(3,4)', '((1,2),(3,4))', '((0,0),(1,1),(1,0))', '<(1,2),0.1>', 'it''s ok', '{sad,NULL,"it''s ok"}', '[0:1]={1.10,NaN}',
 '{0.1,Infinity}', '{{"a,b","NULL"},{NULL,"\"q\\"}}', ARRAY['\x00'::bytea], '{infinity,2024-01-01 00:00:00+00}', '(0.10,1.50]', '{[1,3),[5,9)}',
 '["2024-01-01 00:00:00+00",infinity)', '(1.10,"a ""b"", c",infinity)', ARRAY[ROW(1, NULL, 'now'::text::date)::part],
 'a:1A ''b c'':2', 'a & !(b | c)', '16/B374D848', '4294967295', 'pg_class', '$."a"[*]');
INSERT INTO kept (id, n, n38, f4, f8, d, ts, tsz, iv, bo, na) VALUES (2, 'NaN', 'NaN', 'NaN', '-Infinity', '-infinity', '-infinity', 'infinity', '178000000 years', false, '{}');
INSERT INTO kept (id, n, f4, f8, d, ts, i8) VALUES (3, 'Infinity', 3.4028235e38, 5e-324, '4713-01-01 BC', '4714-11-24 00:00:00 BC', 9223372036854775807);
INSERT INTO kept (id, n, f8) VALUES (4, 1e500, '-0'), (5, 1.50, 1.7976931348623157e308), (6, NULL, 0.1);
CREATE TABLE child (id int PRIMARY KEY, kept_id numeric(40, 2) NOT NULL REFERENCES kept (id), n int);
INSERT INTO child SELECT i, (SELECT id FROM kept WHERE i % 6 + 1 = (SELECT count(*) FROM kept k WHERE k.id <= kept.id)), i FROM generate_series(1, 60) i
"#;

const MYSQL: &str = r#"
CREATE TABLE kept (id decimal(40, 2) PRIMARY KEY, b1 tinyint(1), bu bigint unsigned, d65 decimal(65, 30), f float, d double,
 bi bit(64), da date, dt datetime(6), ts timestamp NULL, ti time(3), y year, ch char(5), vc varchar(30), tx text, bn binary(4),
 vb varbinary(9), bl blob, e enum('a', 'b'), s set('x', 'y', 'z'), j json, g geometry, p point, po polygon);
INSERT IGNORE INTO kept VALUES (12345678901234567890123456789012345678.25, 5, 18446744073709551615,
 12345678901234567890123456789012345.123456789012345678901234567891, 0.1, 0.30000000000000004, b'1000000000000000000000000000000000000000000000000000000000000001',
 '0000-00-00', '9999-12-31 23:59:59.999999', '2024-01-01 00:00:00', '-838:59:59.000', 0, 'a', 'tab\tback\\', '', x'00FF', x'00FF5C', x'', 'b', 'x,z',
 '{"b": 1, "a": 1.10}', NULL, ST_GeomFromText('POINT(0.1 0.3333333333333333)', 0), ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'));
INSERT INTO kept (id, b1, d65, da, dt, y, d, g) VALUES (2, 1, -99999999999999999999999999999999999.999999999999999999999999999999, '2024-01-01', '1000-01-01 00:00:00', 2155, 1.7976931348623157e308, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1))', 0));
INSERT INTO kept (id, b1, d65, d) VALUES (3, 0, 0.1, -0.0), (4, 1, 1, 2.2250738585072014e-308), (5, NULL, NULL, NULL);
INSERT IGNORE INTO kept (id, dt, da) VALUES (6, '0000-00-00 00:00:00', '2024-00-10');
CREATE TABLE child (id int PRIMARY KEY, kept_id decimal(40, 2) NOT NULL, n int, FOREIGN KEY (kept_id) REFERENCES kept (id));
INSERT INTO child SELECT 10 * a.n + b.n, k.id, b.n FROM (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5) a, (SELECT 0 n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) b,
 kept k WHERE (SELECT count(*) FROM kept o WHERE o.id < k.id) = (a.n + b.n) % 6
"#;

const SQLITE: &str = r"
CREATE TABLE kept (id INTEGER PRIMARY KEY, a INTEGER, b REAL, c TEXT, d BLOB, e NUMERIC(10, 2), f DATETIME, g BOOLEAN, h DATE, i);
INSERT INTO kept VALUES (1, 1, 1.5, 'x', x'00', 1.25, '2024-01-01 00:00:00', 1, '2024-01-01', 5),
 (2, 'word', 'word', x'01', 'text', 'abc', '2024-01-01T00:00:00Z', 'yes', 20240101, 5.0), (3, 1.5, x'ff', 'it''s', 7, 1.999, 1704067200, 7, 'soon', '5'),
 (4, x'00', NULL, '', '', 9007199254740993, NULL, NULL, '2024-02-30', x'35'), (5, 9223372036854775807, 9e999, 'é', x'', -0.0, '2024-01-01 00:00:00', 0, '2024-01-01', NULL),
 (6, 2, 0.1, 'x', x'00', 5, '2024-01-01 00:00:00', 1, '2024-01-01', 0.1)
";

fn setup(engine: Engine) -> String {
    match engine {
        Engine::Postgres => POSTGRES.to_owned(),
        Engine::MySql => MYSQL.to_owned(),
        Engine::Sqlite => SQLITE.to_owned(),
    }
}

/// All rows of the copied table as the server shows them, nothing rounded.
fn rows(engine: Engine, scratch: &Scratch) -> String {
    match engine {
        Engine::Postgres => scratch.text_of(
            "SELECT string_agg(concat_ws('|', kept::text, array_dims(na), f4 = 'NaN', encode(float8send(f8), 'hex')), E'\n' ORDER BY id) FROM kept",
        ),
        Engine::MySql => {
            let columns = "id b1 bu d65 f d bi da dt ts ti y ch vc tx bn vb bl e s j g p po";
            let quoted: Vec<String> =
                columns.split(' ').map(|name| format!("COALESCE(HEX(CONCAT(`{name}`)), 'NULL')")).collect();
            let line = quoted.join(", '|', ");
            scratch.text_of("SELECT CAST(@@group_concat_max_len AS CHAR)");
            scratch.text_of(&format!(
                "SELECT CAST(CONCAT({}) AS CHAR)",
                (1..=6)
                    .map(|at| format!("(SELECT CONCAT({line}) FROM kept ORDER BY id LIMIT {}, 1)", at - 1))
                    .collect::<Vec<_>>()
                    .join(", '\n', ")
            ))
        }
        Engine::Sqlite => {
            let columns = ["id", "a", "b", "c", "d", "e", "f", "g", "h", "i"];
            let shown: Vec<String> =
                columns.iter().map(|name| format!("typeof({name}) || quote({name})")).collect();
            let line = shown.join(" || '|' || ");
            scratch.text_of(&format!(
                "SELECT group_concat(line, char(10)) FROM (SELECT {line} AS line FROM kept ORDER BY id)"
            ))
        }
    }
}

#[test]
fn a_copied_table_arrives_as_it_is_and_its_children_find_their_parents() {
    for engine in engines() {
        let (source, target) = (Scratch::new(engine, "exact_source"), Scratch::new(engine, "exact_target"));
        source.run(&setup(engine));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("synth.toml"), "[tables.kept]\nmode = \"copy\"\n").unwrap();

        let run = dbsynth_in(
            folder.path(),
            &["clone", source.text(), target.text(), "--seed", "1", "--json", "--yes"],
        )
        .exits(0);

        assert_eq!(rows(engine, &target), rows(engine, &source), "{engine:?}");
        let json = run.json();
        let findings: Vec<&str> = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|finding| finding["code"].as_str())
            .collect();
        assert!(!findings.contains(&"value-not-read"), "{findings:?}");
        if engine != Engine::Sqlite {
            let lost = "SELECT count(*) FROM child WHERE kept_id NOT IN (SELECT id FROM kept)";
            assert_eq!(
                (target.number("SELECT count(*) FROM child"), target.number(lost)),
                (source.number("SELECT count(*) FROM child"), 0)
            );
        }
    }
}

#[test]
fn links_through_unsigned_keys_beyond_64_bits_with_sign_are_learned() {
    if !engines().contains(&Engine::MySql) {
        return;
    }
    let source = Scratch::new(Engine::MySql, "exact_unsigned_source");
    let target = Scratch::new(Engine::MySql, "exact_unsigned_target");
    source.run(
        "CREATE TABLE owner (id bigint unsigned PRIMARY KEY, kind varchar(10) NOT NULL);\n\
         CREATE TABLE thing (id bigint unsigned PRIMARY KEY, owner_id bigint unsigned NOT NULL, kind varchar(10) NOT NULL, \
         FOREIGN KEY (owner_id) REFERENCES owner (id));\n\
         INSERT INTO owner WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) \
         SELECT 18446744073709551615 - i * 7, ELT(1 + i % 3, 'none', 'red', 'blue') FROM n;\n\
         INSERT INTO thing WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 480) \
         SELECT 18446744073709551615 - i, owner.id, owner.kind FROM n JOIN owner ON owner.id = 18446744073709551615 - (1 + i % 120) * 7 \
         WHERE owner.kind <> 'none'",
    );

    dbsynth_in(
        tempfile::tempdir().unwrap().path(),
        &["clone", source.text(), target.text(), "--seed", "1", "--yes"],
    )
    .exits(0);

    let linked = |which: &str| {
        target.number(&format!(
            "SELECT count(*) FROM thing JOIN owner ON owner.id = thing.owner_id WHERE {which}"
        ))
    };
    assert_eq!(linked("TRUE"), source.number("SELECT count(*) FROM thing"));
    let (same, childless) = (linked("thing.kind = owner.kind"), linked("owner.kind = 'none'"));
    assert!(same * 100 >= 85 * linked("TRUE"), "{same} things are of the kind of their owner");
    assert!(childless * 100 <= 15 * linked("TRUE"), "{childless} things have an owner that has none");
    let most =
        target.number("SELECT max(n) FROM (SELECT count(*) AS n FROM thing GROUP BY owner_id) AS counts");
    assert!(most <= 12, "one owner has {most} things");
}
