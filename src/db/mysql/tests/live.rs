//! Against a real server: `DBSYNTH_TEST_MYSQL_URL` is an administrator's URL. Unset means skipped here and
//! failed where `CI` is set, so that the tests cannot be lost silently.

use sqlx::ConnectOptions as _;

use super::super::{MySql, server::Connection, sink::MySqlSink, sql::identifier};
use crate::{
    config::{DbUrl, TargetSettings},
    data::TableData,
    db::{Database as _, DbError, DbErrorKind, Introspection, Phase, Scan, Sink as _, Source},
    schema::{DataType, Table},
};

/// Two databases of one test: a source with a schema in it and an empty target.
pub(super) struct Pair {
    pub(super) admin: Connection,
    pub(super) source: MySql,
    pub(super) target: MySql,
    pub(super) names: [String; 2],
}

impl Pair {
    pub(super) fn new(test: &str, setup: &[&str]) -> Option<Self> {
        let Ok(text) = std::env::var("DBSYNTH_TEST_MYSQL_URL") else {
            assert!(std::env::var_os("CI").is_none(), "CI must set DBSYNTH_TEST_MYSQL_URL");
            #[expect(clippy::print_stderr, reason = "a skipped test must be seen")]
            {
                eprintln!("skipped: DBSYNTH_TEST_MYSQL_URL is not set");
            }
            return None;
        };
        let names = [format!("dbsynth_test_{test}"), format!("dbsynth_test_{test}_copy")];
        let admin_url = DbUrl::parse(&text).unwrap();
        let mut admin = Connection::open(&admin_url).unwrap();
        let open = |name: &str| {
            let options = super::super::server::options(&admin_url).unwrap().database(name);
            let mut url = options.to_url_lossy();
            if let Some(socket) = options.get_socket() {
                url.query_pairs_mut().append_pair("socket", &socket.display().to_string());
            }
            MySql { url: DbUrl::parse(url.as_str()).unwrap() }
        };
        for name in &names {
            admin.run(&format!("DROP DATABASE IF EXISTS {}", identifier(name))).unwrap();
            admin.run(&format!("CREATE DATABASE {} CHARACTER SET utf8mb4", identifier(name))).unwrap();
        }
        admin.run(&format!("USE {}", identifier(&names[0]))).unwrap();
        admin.run("SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO'").unwrap();
        for sql in setup {
            admin.run(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        }
        Some(Self { source: open(&names[0]), target: open(&names[1]), admin, names })
    }

    /// Asks the target.
    pub(super) fn ask(&mut self, sql: &str) -> Vec<Vec<Option<String>>> {
        self.admin.run(&format!("USE {}", identifier(&self.names[1]))).unwrap();
        let records = self.admin.records(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        records.into_iter().map(|record| record.0.into_values().collect()).collect()
    }

    pub(super) fn ask_one(&mut self, sql: &str) -> String {
        self.ask(sql)[0][0].clone().unwrap_or_default()
    }

    fn rows(database: &MySql, table: &str) -> TableData {
        let mut source = database.source().unwrap();
        let found = source.introspect().unwrap();
        let id = found.schema.find(table).unwrap();
        scan(source.as_mut(), found.schema.table(id)).unwrap()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for name in &self.names {
                let _ = self.admin.run(&format!("DROP DATABASE IF EXISTS {}", identifier(name)));
            }
        }
    }
}

fn scan(source: &mut dyn Source, table: &Table) -> Option<TableData> {
    let columns = table.writable_columns();
    let order_by = table.primary_key.as_ref().map_or_else(Vec::new, |key| key.columns.clone());
    let mut batches = Vec::new();
    source
        .scan(table, &Scan { columns, order_by, batch_rows: 3, exact: false }, &mut |batch| {
            batches.push(batch);
            Ok(())
        })
        .unwrap();
    TableData::concat(&batches)
}

fn begun(target: &MySql, infile: bool) -> MySqlSink {
    let mut sink = MySqlSink::open(&target.url, &TargetSettings::default()).unwrap();
    if !infile {
        sink.forbid_infile();
    }
    sink.begin().unwrap();
    sink
}

/// Builds and fills everything but does not commit; the way `load` does it.
fn build(source: &MySql, sink: &mut MySqlSink) -> Result<Introspection, DbError> {
    let mut source = source.source()?;
    let found = source.introspect()?;
    let run = |sink: &mut MySqlSink, from: Phase, to: Phase| {
        let wanted = found.blueprint.statements.iter().filter(|s| s.phase >= from && s.phase <= to);
        wanted.into_iter().try_for_each(|statement| {
            assert!(!statement.sql.contains("dbsynth_test"), "names its database: {}", statement.sql);
            sink.execute(&statement.sql).map_err(|error| {
                DbError::new(error.kind, format!("{}: {error}\n{}", statement.object, statement.sql))
            })
        })
    };
    run(sink, Phase::Prepare, Phase::Table)?;
    for table in &found.schema.tables {
        if let Some(rows) = scan(source.as_mut(), table) {
            sink.append(table, &rows)?;
        }
        sink.finish_table(table)?;
    }
    run(sink, Phase::Key, Phase::Finish)?;
    sink.set_sequences(&found.schema, &found.blueprint)?;
    Ok(found)
}

pub(super) fn copy(pair: &Pair, infile: bool) -> Introspection {
    let mut sink = begun(&pair.target, infile);
    let found = build(&pair.source, &mut sink).unwrap_or_else(|error| panic!("{error}"));
    if infile && sink.connection.server.local_infile {
        let slow = sink.take_findings().into_iter().find(|finding| finding.code == "slow-load");
        assert_eq!(slow, None, "the fast road is open, so it is taken");
    }
    Box::new(sink).commit().unwrap_or_else(|error| panic!("{error}"));
    found
}

const EVERY_TYPE: &str = "CREATE TABLE every_type (
  id int NOT NULL PRIMARY KEY, flag tinyint(1), small_int tinyint, wide bigint, big bigint unsigned, padded int(6) unsigned zerofill,
  price decimal(12,3), huge decimal(40,10), f float, fm float(7,2), d double, bits bit(11), one bit(1), y year,
  day date, moment datetime(6), stamp timestamp(3) NULL, duration time(2), c char(5), v varchar(40), latin varchar(20) CHARACTER SET latin1,
  t text, lt longtext, raw binary(4), vraw varbinary(20), b blob,
  e enum('a,b','it''s','x\\\\y','') , s set('one','it''s','three'), doc json, shape geometry, spot point)";

const EVERY_ROW: &str = "INSERT INTO every_type VALUES
  (0, 1, -128, -9223372036854775808, 9223372036854775807, 42, 123456789.125, 123456789012345.1234567891, 0.1, 1234.57, 0.1, b'10110011101', b'1', 1999,
   '2024-02-29', '2024-02-29 23:59:59.123456', '2001-01-01 00:00:01.250', '-838:59:59.00', 'ab', 'tab\\there \\\\ back', 'caf\u{e9}',
   'line\\nbreak \u{1f600}', 'quote '' and \"', x'00ff0a09', x'5c0d00', x'', 'it''s', 'one,it''s', '{\"a\": [1, \"\\u00e9\"]}',
   ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))'), ST_GeomFromText('POINT(1.5 -2.25)')),
  (1, 0, 127, 9223372036854775807, 0, 0, -0.001, -1, -3.4e38, -0.01, -1.7976931348623157e308, 0, 0, 2155,
   '1000-01-01', '1000-01-01 00:00:00', '2038-01-19 03:14:07', '838:59:59', '', '', '', '', '', x'00000000', '', x'27', 'a,b', '', 'null',
   NULL, NULL),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (3, 1, 1, 1, 1, 1, 1, 1, 1e-30, 1, 2.5e-300, 1, 1, 1901, '9999-12-31', '9999-12-31 23:59:59.999999', NULL, '00:00:00.01', 'N', '\\\\N', 'NULL',
   'NULL', '\\r\\n\\0', x'01020304', NULL, x'4e554c4c', NULL, 'one,it''s,three', '[]', ST_GeomFromText('LINESTRING(0 0,3 4)'), NULL)";

#[test]
fn every_type_round_trips_by_both_roads() {
    let Some(mut pair) = Pair::new("types", &[EVERY_TYPE, EVERY_ROW]) else { return };
    let original = Pair::rows(&pair.source, "every_type");

    for infile in [true, false] {
        let found = copy(&pair, infile);
        let copied = Pair::rows(&pair.target, "every_type");

        let table = &found.schema.tables[0];
        for (id, array) in original.columns.iter().zip(&original.arrays) {
            assert_eq!(copied.column(*id).unwrap(), array, "{} by infile: {infile}", table.column(*id).name);
        }
        // The server compares as well: what we read twice the same may still be written wrong.
        let different = pair.ask_one(&format!(
            "SELECT COUNT(*) FROM {0}.every_type a JOIN every_type b USING (id) WHERE {1}",
            identifier(&pair.names[0].clone()),
            table
                .columns
                .iter()
                .filter(|column| !matches!(column.data_type, DataType::Other | DataType::Native { .. })
                    && column.name != "huge")
                .map(|column| format!("NOT a.{0} <=> b.{0}", identifier(&column.name)))
                .collect::<Vec<_>>()
                .join(" OR ")
        ));
        assert_eq!(different, "0", "by infile: {infile}");
        assert_eq!(pair.ask_one("SELECT ST_AsText(spot) FROM every_type WHERE id = 0"), "POINT(1.5 -2.25)");
    }
}

#[test]
fn types_are_understood() {
    let setup = [
        EVERY_TYPE,
        EVERY_ROW,
        "CREATE TABLE flags (id int PRIMARY KEY, yes tinyint(1), no tinyint(1))",
        "INSERT INTO flags VALUES (1, 1, 2), (2, 0, 0)",
    ];
    let Some(pair) = Pair::new("understood", &setup) else { return };

    let schema = pair.source.source().unwrap().introspect().unwrap().schema;

    let type_of = |table: &str, column: &str| {
        let table = schema.table(schema.find(table).unwrap());
        table.column(table.find(column).unwrap()).data_type.clone()
    };
    assert_eq!(type_of("every_type", "flag"), DataType::Boolean);
    assert_eq!(type_of("flags", "yes"), DataType::Boolean);
    assert_eq!(type_of("flags", "no"), DataType::Integer { min: -128, max: 127 });
    assert_eq!(type_of("every_type", "doc"), DataType::Json);
    assert_eq!(
        type_of("every_type", "e"),
        DataType::Enum { labels: ["a,b", "it's", "x\\y", ""].map(str::to_owned).to_vec() }
    );
    assert_eq!(type_of("every_type", "stamp"), DataType::Timestamp { zoned: true });
    assert_eq!(type_of("every_type", "one"), DataType::Bits { length: Some(1) });
    assert!(
        schema.table(schema.find("every_type").unwrap()).checks.is_empty(),
        "json_valid is the type itself"
    );
}

#[test]
fn odd_names_are_quoted_everywhere() {
    let setup = [
        "CREATE TABLE `sel``ect a.b` (`ord.er` int PRIMARY KEY AUTO_INCREMENT, `na me` varchar(9), UNIQUE KEY `k``1` (`na me`))",
        "CREATE TABLE `日本` (`group` int, `from` int, KEY (`group`), CONSTRAINT `f,k` FOREIGN KEY (`group`) REFERENCES `sel``ect a.b` (`ord.er`))",
        "INSERT INTO `sel``ect a.b` VALUES (0, 'x'), (7, 'y')",
        "INSERT INTO `日本` VALUES (7, 1), (0, 2), (NULL, 3)",
        "CREATE VIEW `v iew` AS SELECT `na me` AS `dbs` FROM `sel``ect a.b`",
        "CREATE TRIGGER `tri gger` BEFORE INSERT ON `日本` FOR EACH ROW SET NEW.`from` = 99",
    ];
    let Some(mut pair) = Pair::new("names", &setup) else { return };

    copy(&pair, true);

    assert_eq!(pair.ask_one("SELECT SUM(`from`) FROM `日本`"), "6");
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM `v iew`"), "2");
    assert_eq!(
        pair.ask_one("SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"),
        "1"
    );
}

#[test]
fn foreign_keys_of_every_shape_are_read_and_made_again() {
    let setup = [
        "CREATE TABLE a (x int, y int, z int, PRIMARY KEY (x, y), KEY (z))",
        "CREATE TABLE b (id int PRIMARY KEY, x int, y int, y2 int, boss int, z int,
           CONSTRAINT composite FOREIGN KEY (x, y) REFERENCES a (x, y) ON DELETE CASCADE,
           CONSTRAINT overlapping FOREIGN KEY (x, y2) REFERENCES a (x, y),
           CONSTRAINT self FOREIGN KEY (boss) REFERENCES b (id))",
        "INSERT INTO a VALUES (1, 1, 5), (1, 2, 5)",
        "INSERT INTO b VALUES (1, 1, 1, 2, NULL, 5), (2, 1, 2, 2, 1, NULL)",
    ];
    let Some(mut pair) = Pair::new("fks", &setup) else { return };

    let found = copy(&pair, true);
    let again = pair.target.source().unwrap().introspect().unwrap();

    assert_eq!(found.schema.tables[1].foreign_keys.len(), 3);
    assert!(found.schema.tables[1].foreign_keys[0].cascades);
    assert_eq!(again.schema, found.schema);
    assert_eq!(again.blueprint, found.blueprint);
    let parent = pair.ask_one(
        "SELECT COUNT(DISTINCT REFERENCED_TABLE_SCHEMA) FROM information_schema.KEY_COLUMN_USAGE
         WHERE TABLE_SCHEMA = DATABASE() AND REFERENCED_TABLE_SCHEMA = DATABASE()",
    );
    assert_eq!(parent, "1");
    assert!(
        pair.admin.run("INSERT INTO b VALUES (9, 1, 7, 1, NULL, NULL)").is_err(),
        "the copy enforces its keys"
    );
}

#[test]
fn generated_and_invisible_columns_prefixes_and_partitions_survive() {
    let setup = [
        "CREATE TABLE g (id int PRIMARY KEY AUTO_INCREMENT, a int, v int AS (a * 2) VIRTUAL, s int AS (a + 1) STORED,
           hidden int INVISIBLE DEFAULT 3, name varchar(40), UNIQUE KEY pre (name(4)), KEY (s), FULLTEXT KEY ft (name),
           CONSTRAINT positive CHECK (a > 0 AND name <> 'it''s'))",
        "CREATE TABLE p (id int NOT NULL, r int NOT NULL, PRIMARY KEY (id, r)) PARTITION BY RANGE (r)
           (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
        "INSERT INTO g (id, a, hidden, name) VALUES (0, 1, 4, 'abcde'), (5, 2, NULL, 'abdde')",
        "INSERT INTO p VALUES (1, 1), (2, 20)",
    ];
    let Some(mut pair) = Pair::new("generated", &setup) else { return };

    let found = copy(&pair, true);

    let g = &found.schema.tables[0];
    let pre = g.unique_keys.iter().find(|key| key.name == "pre").unwrap();
    assert_eq!((pre.columns.len(), pre.expressions.clone()), (0, vec!["left(`name`,4)".to_owned()]));
    assert_eq!(g.columns.iter().filter(|column| column.generated.is_some()).count(), 2);
    assert_eq!(g.checks.len(), 1, "{:?}", g.checks);
    assert_eq!(pair.ask("SELECT id, v, s, hidden FROM g ORDER BY id").len(), 2);
    assert_eq!(pair.ask_one("SELECT CONCAT_WS(',', id, v, s, hidden) FROM g WHERE id = 0"), "0,2,2,4");
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM p PARTITION (p1)"), "1");
    let next = "INSERT INTO g (a, name) VALUES (3, 'zzzz')";
    pair.admin.run(next).unwrap();
    assert_eq!(pair.ask_one("SELECT MAX(id) FROM g"), "6");
}

#[test]
fn views_on_views_routines_and_triggers_belong_to_the_copy() {
    let setup = [
        "CREATE TABLE t (id int PRIMARY KEY, n int)",
        "CREATE TABLE log (n int)",
        "INSERT INTO t VALUES (1, 10), (2, 20)",
        "CREATE FUNCTION twice(x int) RETURNS int DETERMINISTIC RETURN 2 * x",
        "CREATE VIEW z_base AS SELECT id, twice(n) AS n FROM t",
        "CREATE VIEW a_top AS SELECT SUM(n) AS total FROM z_base",
        "CREATE TRIGGER logs AFTER INSERT ON t FOR EACH ROW INSERT INTO dbsynth_test_views.log VALUES (NEW.n)",
        "CREATE PROCEDURE p() BEGIN SELECT COUNT(*) FROM dbsynth_test_views.t; END",
    ];
    let Some(mut pair) = Pair::new("views", &setup) else { return };

    for _ in 0..2 {
        copy(&pair, true);
        assert_eq!(pair.ask_one("SELECT total FROM a_top"), "60");
        assert_eq!(pair.ask_one("SELECT COUNT(*) FROM log"), "0");
    }
    pair.admin.run("INSERT INTO t VALUES (3, 30)").unwrap();
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM log"), "1");
    assert_eq!(pair.ask_one("CALL p()"), "3");
    let side = pair.ask_one("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'dbsynth\\_test\\_views%\\_\\_dbsynth%'");
    assert_eq!(side, "0");
}

#[test]
fn a_failure_before_commit_leaves_the_old_copy_as_it_was() {
    let setup = [
        "CREATE TABLE t (id int PRIMARY KEY)",
        "INSERT INTO t VALUES (1), (2)",
        "CREATE VIEW v AS SELECT * FROM t",
    ];
    let Some(mut pair) = Pair::new("failure", &setup) else { return };
    copy(&pair, true);

    let mut sink = begun(&pair.target, true);
    let found = build(&pair.source, &mut sink).unwrap();
    let rows = Pair::rows(&pair.source, "t");
    let error = sink.append(&found.schema.tables[0], &rows).unwrap_err();
    drop(sink);

    assert_eq!(error.kind, DbErrorKind::Constraint);
    assert!(error.message.contains("PRIMARY"), "{error}");
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM v"), "2");
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'dbsynth\\_test\\_failure%\\_\\_dbsynth%'"), "0");
}

#[test]
fn the_marker_names_what_dbsynth_made_and_nothing_else() {
    let Some(mut pair) =
        Pair::new("marker", &["CREATE TABLE t (id int PRIMARY KEY)", "CREATE VIEW v AS SELECT * FROM t"])
    else {
        return;
    };
    assert_eq!(
        MySqlSink::open(&pair.target.url, &TargetSettings::default())
            .unwrap()
            .inventory()
            .unwrap()
            .tables
            .len(),
        0
    );
    copy(&pair, true);

    let ours = MySqlSink::open(&pair.target.url, &TargetSettings::default()).unwrap().inventory().unwrap();
    pair.ask("CREATE TABLE mine (id int)");
    let mixed = MySqlSink::open(&pair.target.url, &TargetSettings::default()).unwrap().inventory().unwrap();

    assert_eq!((ours.tables.len(), ours.made_by_dbsynth), (2, true));
    assert_eq!((mixed.tables.len(), mixed.made_by_dbsynth), (3, false));
}

#[test]
fn rows_that_nobody_asks_for_do_not_stop_the_load_for_ever() {
    let Some(pair) = Pair::new(
        "unasked",
        &["CREATE TABLE t (id int PRIMARY KEY, v text)", "INSERT INTO t VALUES (1, repeat('x', 60000))"],
    ) else {
        return;
    };
    let found = pair.source.source().unwrap().introspect().unwrap();
    let one = Pair::rows(&pair.source, "t");
    // More than may wait.
    let many = one.take(&[0; 200]);
    let mut sink = begun(&pair.target, true);

    let error = sink.append(&found.schema.tables[0], &many).unwrap_err();

    assert!(error.message.contains("load table t"), "{error}");
    sink.execute("CREATE TABLE t (id int, v text)").unwrap();
    sink.append(&found.schema.tables[0], &many).unwrap();
    assert_eq!(sink.numbers("SELECT count(*) FROM t").unwrap(), [200]);
}

#[test]
fn a_value_the_server_would_bend_is_refused_without_being_shown() {
    let Some(pair) = Pair::new(
        "bend",
        &[
            "CREATE TABLE t (id int PRIMARY KEY, v varchar(40))",
            "INSERT INTO t VALUES (1, 'secret-and-too-long')",
        ],
    ) else {
        return;
    };
    for infile in [true, false] {
        let mut sink = begun(&pair.target, infile);
        sink.execute("CREATE TABLE t (id int PRIMARY KEY, v varchar(3))").unwrap();
        let found = pair.source.source().unwrap().introspect().unwrap();

        let error = sink.append(&found.schema.tables[0], &Pair::rows(&pair.source, "t")).unwrap_err();

        assert!(!error.message.contains("secret"), "{error}");
        assert!(error.message.contains('v'), "{error}");
        sink.execute("ALTER TABLE t MODIFY v varchar(40), ADD CONSTRAINT short CHECK (length(v) < 9)")
            .unwrap();
        let error = sink.append(&found.schema.tables[0], &Pair::rows(&pair.source, "t")).unwrap_err();
        assert_eq!(error.kind, DbErrorKind::Constraint, "{error}");
        assert!(!error.message.contains("secret") && error.message.contains("short"), "{error}");
    }
}

#[test]
fn dates_of_some_zeros_and_oversized_integers_are_counted() {
    let setup = [
        "CREATE TABLE t (id int PRIMARY KEY, d date, m datetime, big bigint unsigned, y year, e enum('a'))",
        "INSERT IGNORE INTO t VALUES (1, '2020-10-00', '2020-00-00 00:00:00', 18446744073709551615, 0, 'b')",
    ];
    let Some(pair) = Pair::new("zero", &setup) else { return };
    let mut source = pair.source.source().unwrap();
    let found = source.introspect().unwrap();

    let rows = scan(source.as_mut(), &found.schema.tables[0]).unwrap();

    let nulls: Vec<usize> = rows.arrays.iter().map(|array| array.null_count()).collect();
    assert_eq!(nulls, [0, 1, 1, 0, 0, 1]);
    assert_eq!(source.take_findings().len(), 4);
}

#[test]
fn a_source_cannot_be_written() {
    let Some(pair) = Pair::new("readonly", &["CREATE TABLE t (id int PRIMARY KEY)"]) else { return };
    let mut source = pair.source.source().unwrap();

    assert!(source.count("INSERT INTO t VALUES (1)").is_err());
    assert_eq!(source.identity().unwrap().server, pair.target.source().unwrap().identity().unwrap().server);
    assert_ne!(source.identity().unwrap(), pair.target.source().unwrap().identity().unwrap());
}

#[test]
fn mariadb_sequences_number_the_copys_rows() {
    let Some(mut pair) = Pair::new("sequences", &[]) else { return };
    if !pair.admin.server.mariadb {
        return;
    }
    pair.admin.run(&format!("USE {}", identifier(&pair.names[0].clone()))).unwrap();
    for sql in [
        "CREATE SEQUENCE s INCREMENT BY 2",
        "CREATE TABLE t (id int NOT NULL DEFAULT nextval(s) PRIMARY KEY, n int)",
        "INSERT INTO t (n) VALUES (1), (2), (3)",
    ] {
        pair.admin.run(sql).unwrap();
    }

    copy(&pair, true);
    pair.ask("INSERT INTO t (n) VALUES (4)");

    assert_eq!(pair.ask_one("SELECT MAX(id) FROM t"), "7");
}

#[test]
fn without_the_right_to_create_databases_an_empty_target_is_filled_in_place_and_a_full_one_refused() {
    let Some(mut pair) =
        Pair::new("limited", &["CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)"])
    else {
        return;
    };
    // The password needs escaping in a URL, and both drivers must read it alike.
    for sql in [
        "DROP USER IF EXISTS dbsynth_limited@'%'",
        "CREATE USER dbsynth_limited@'%' IDENTIFIED BY 'p@ss/w%rd'",
        "GRANT ALL ON `dbsynth\\_test\\_limited\\_copy`.* TO dbsynth_limited@'%'",
    ] {
        pair.ask(sql);
    }
    let mut url = url::Url::parse(pair.target.url.expose()).unwrap();
    url.set_username("dbsynth_limited").unwrap();
    url.set_password(Some("p@ss/w%rd")).unwrap();
    let limited = MySql { url: DbUrl::parse(url.as_str()).unwrap() };

    let mut failed = begun(&limited, true);
    build(&pair.source, &mut failed).unwrap();
    drop(failed);
    assert_eq!(pair.ask("SHOW TABLES").len(), 0, "a failed load in place removes what it made");
    let mut sink = begun(&limited, true);
    build(&pair.source, &mut sink).unwrap();
    assert_eq!(sink.take_findings()[0].code, "not-atomic");
    Box::new(sink).commit().unwrap();
    let refused = MySqlSink::open(&limited.url, &TargetSettings::default()).unwrap().begin().unwrap_err();

    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM t"), "1");
    assert_eq!(refused.kind, DbErrorKind::Permission);
    pair.ask("DROP USER dbsynth_limited@'%'");
}

#[test]
fn errors_tell_login_from_missing_database_from_missing_server() {
    let Some(pair) = Pair::new("errors", &[]) else { return };
    let kind = |change: &dyn Fn(&mut url::Url)| {
        let mut url = url::Url::parse(pair.target.url.expose()).unwrap();
        change(&mut url);
        MySql { url: DbUrl::parse(url.as_str()).unwrap() }.source().err().unwrap()
    };

    let login = kind(&|url| {
        url.set_username("nobody_here").unwrap();
        url.set_password(Some("s3cret")).unwrap();
    });
    let missing = kind(&|url| url.set_path("dbsynth_test_no_such"));
    let unreachable = kind(&|url| url.set_port(Some(1)).unwrap());

    assert_eq!(login.kind, DbErrorKind::Login);
    assert!(!login.message.contains("s3cret"));
    assert_eq!(missing.kind, DbErrorKind::NoDatabase);
    assert_eq!(unreachable.kind, DbErrorKind::Unreachable);
}

#[test]
fn what_only_mysql_has_survives() {
    let Some(mut pair) = Pair::new("only_mysql", &[]) else { return };
    if pair.admin.server.mariadb {
        return;
    }
    pair.admin.run(&format!("USE {}", identifier(&pair.names[0].clone()))).unwrap();
    for sql in [
        "CREATE TABLE m (id int PRIMARY KEY, name varchar(40), born datetime DEFAULT (now() + INTERVAL 1 DAY),
           place point SRID 4326, doc json, word varchar(9) DEFAULT 'it''s',
           full varchar(60) AS (concat(name, ' it''s ', word)) STORED,
           UNIQUE KEY folded ((lower(name))), KEY down (id DESC), CONSTRAINT odd CHECK (name <> 'it''s' AND word REGEXP '^[a-z]'))",
        "INSERT INTO m (id, name, place, doc) VALUES (1, 'A', ST_GeomFromText('POINT(48.5 9.25)', 4326), '{\"b\": 1, \"a\": [1.50]}')",
        "SET SESSION sql_generate_invisible_primary_key = 1",
        "CREATE TABLE keyless (n int)",
        "INSERT INTO keyless VALUES (7), (8)",
    ] {
        pair.admin.run(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    for infile in [true, false] {
        let found = copy(&pair, infile);

        let m = &found.schema.tables[1];
        assert_eq!(m.unique_keys[0].expressions, ["lower(`name`)"]);
        assert_eq!(m.checks[0].expression, "(`name` <> 'it\\'s') and regexp_like(`word`,'^[a-z]')");
        assert_eq!(m.column(m.find("word").unwrap()).default.as_deref(), Some("'it''s'"));
        assert_eq!(
            pair.ask_one("SELECT CONCAT_WS(' ', ST_Latitude(place), ST_SRID(place), full) FROM m"),
            "48.5 4326 A it's it's"
        );
        assert_eq!(pair.ask_one("SELECT JSON_EXTRACT(doc, '$.a') FROM m"), "[1.5]");
        assert_eq!(pair.ask_one("SELECT SUM(my_row_id) FROM keyless"), "3");
        assert_eq!(pair.target.source().unwrap().introspect().unwrap().blueprint, found.blueprint);
    }
}

#[test]
fn what_only_mariadb_has_survives() {
    let Some(mut pair) = Pair::new("only_mariadb", &[]) else { return };
    if !pair.admin.server.mariadb {
        return;
    }
    pair.admin.run(&format!("USE {}", identifier(&pair.names[0].clone()))).unwrap();
    for sql in [
        "CREATE TABLE plain (id int PRIMARY KEY, ip inet6, n int, UNIQUE KEY (n)) WITH SYSTEM VERSIONING",
        "CREATE TABLE spelled (id int PRIMARY KEY, since timestamp(6) GENERATED ALWAYS AS ROW START,
           till timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (since, till)) WITH SYSTEM VERSIONING",
        "CREATE TABLE aria (id int PRIMARY KEY) ENGINE=Aria",
        "INSERT INTO plain VALUES (1, '::1', 5)",
        "UPDATE plain SET n = 6",
        "INSERT INTO spelled (id) VALUES (1)",
        "INSERT INTO aria VALUES (1)",
    ] {
        pair.admin.run(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }

    let found = copy(&pair, true);

    assert!(found.findings.iter().any(|finding| finding.code == "no-snapshot"));
    assert_eq!(pair.ask_one("SELECT CONCAT_WS(' ', id, ip, n) FROM plain"), "1 ::1 6");
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM plain FOR SYSTEM_TIME ALL"), "1");
    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM spelled"), "1");
    assert_eq!(pair.target.source().unwrap().introspect().unwrap().blueprint, found.blueprint);
}

#[test]
fn a_socket_in_the_url_is_used_by_both_drivers() {
    let Some(mut pair) =
        Pair::new("socket", &["CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)"])
    else {
        return;
    };
    let socket = pair.ask_one("SELECT @@socket");
    if !std::path::Path::new(&socket).exists() {
        // The server runs elsewhere.
        return;
    }
    for sql in [
        "DROP USER IF EXISTS dbsynth_socket@localhost",
        "CREATE USER dbsynth_socket@localhost IDENTIFIED BY 's3cret'",
        "GRANT ALL ON *.* TO dbsynth_socket@localhost",
    ] {
        pair.ask(sql);
    }
    // Nothing listens at this host and port: only the socket can work.
    let over_socket =
        |name: &str| format!("mysql://dbsynth_socket:s3cret@localhost:1/{name}?socket={socket}");
    pair.source.url = DbUrl::parse(&over_socket(&pair.names[0])).unwrap();
    pair.target.url = DbUrl::parse(&over_socket(&pair.names[1])).unwrap();

    copy(&pair, true);

    assert_eq!(pair.ask_one("SELECT COUNT(*) FROM t"), "1");
    pair.ask("DROP USER dbsynth_socket@localhost");
}
