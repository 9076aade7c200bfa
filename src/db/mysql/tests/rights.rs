//! Against a real server, as a login with few rights, and as objects that keep the session they were made in.

use super::live::{Pair, copy};
use crate::{
    config::{DbUrl, TargetSettings},
    db::{Database as _, DbErrorKind, Sink as _},
};

use super::super::{MySql, sink::MySqlSink, sql::identifier};

/// The same database as somebody else, who has these grants.
fn login(pair: &mut Pair, which: usize, user: &str, grants: &[&str]) -> MySql {
    pair.ask(&format!("DROP USER IF EXISTS {user}@'%'"));
    pair.ask(&format!("CREATE USER {user}@'%' IDENTIFIED BY 'secret'"));
    for grant in grants {
        pair.ask(&format!("GRANT {grant} TO {user}@'%'"));
    }
    let from = [&pair.source, &pair.target][which];
    let mut url = url::Url::parse(from.url.expose()).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some("secret")).unwrap();
    MySql { url: DbUrl::parse(url.as_str()).unwrap() }
}

#[test]
fn a_login_that_may_only_select_sees_every_key_and_check_and_is_told_what_it_cannot_see() {
    let setup = [
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (id int PRIMARY KEY, parent int NOT NULL, CHECK (id > 0), \
         CONSTRAINT to_parent FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)",
        "CREATE TRIGGER child_made BEFORE INSERT ON child FOR EACH ROW SET NEW.id = NEW.id",
        "CREATE VIEW both_tables AS SELECT c.id FROM child c JOIN parent p ON p.id = c.parent",
    ];
    let Some(mut pair) = Pair::new("select_only", &setup) else { return };
    let reader =
        login(&mut pair, 0, "dbsynth_select_only", &["SELECT ON `dbsynth\\_test\\_select\\_only`.*"]);

    let found = reader.source().unwrap().introspect().unwrap();

    let child = &found.schema.tables[0];
    assert_eq!((child.foreign_keys.len(), child.checks.len()), (1, 1));
    let codes: Vec<&str> = found.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["hidden-objects", "hidden-objects", "hidden-objects", "unreadable-object"]);
    let remedy = found.findings[0].remedy.clone().unwrap_or_default();
    assert_eq!(remedy, "GRANT TRIGGER ON `dbsynth_test_select_only`.* TO 'dbsynth_select_only'@'%'");
    pair.ask("DROP USER dbsynth_select_only@'%'");
}

#[test]
fn what_the_login_lacks_is_named_before_anything_is_written() {
    let Some(mut pair) = Pair::new("lacking", &["CREATE TABLE t (id int PRIMARY KEY)"]) else { return };
    // Enough for the side database, not for the target: the swap at the end would fail.
    let writer = login(
        &mut pair,
        1,
        "dbsynth_lacking",
        &[
            "SELECT ON `dbsynth\\_test\\_lacking\\_copy`.*",
            "ALL ON `dbsynth\\_test\\_lacking\\_copy\\_\\_dbsynth\\_%`.*",
        ],
    );

    let refused = MySqlSink::open(&writer.url, &TargetSettings::default()).unwrap().begin().unwrap_err();

    assert_eq!(refused.kind, DbErrorKind::Permission);
    assert!(refused.message.contains("GRANT SELECT, INSERT, DELETE, CREATE"), "{refused}");
    assert!(
        refused.message.contains("ON `dbsynth\\_test\\_lacking\\_copy`.* TO 'dbsynth_lacking'@'%'"),
        "{refused}"
    );
    let left = pair.ask_one(
        "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'dbsynth\\_test\\_lacking\\_copy\\_\\_%'",
    );
    assert_eq!(left, "0", "no side database is left behind");
    pair.ask("DROP USER dbsynth_lacking@'%'");
}

#[test]
fn objects_keep_the_session_they_were_made_in() {
    let setup = [
        "CREATE TABLE t (id int PRIMARY KEY)",
        "SET SESSION sql_mode = 'ANSI_QUOTES,NO_ZERO_DATE'",
        "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN (SELECT COUNT(*) FROM \"t\")",
        "SET SESSION sql_mode = '', time_zone = '+05:00'",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 06:00:00' DISABLE DO DELETE FROM t",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id",
    ];
    let Some(mut pair) = Pair::new("sessions", &setup) else { return };
    let sessions = "SELECT sql_mode FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() \
                    UNION ALL SELECT CONCAT_WS(' ', SQL_MODE, TIME_ZONE, STARTS, STATUS) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() \
                    UNION ALL SELECT SQL_MODE FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()";
    pair.admin.run(&format!("USE {}", identifier(&pair.names[0].clone()))).unwrap();
    let real: Vec<_> = pair.admin.records(sessions).unwrap().iter().map(|row| row.nth(0)).collect();

    copy(&pair, true);

    let copied: Vec<_> = pair.ask(sessions).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(copied, real);
    assert_eq!(copied.len(), 3);
}

#[test]
fn a_table_nobody_may_read_is_left_out_and_named() {
    let setup = ["CREATE TABLE open_table (id int PRIMARY KEY)", "CREATE TABLE secret (id int PRIMARY KEY)"];
    let Some(mut pair) = Pair::new("partly", &setup) else { return };
    let reader = login(
        &mut pair,
        0,
        "dbsynth_partly",
        &["SELECT ON dbsynth_test_partly.open_table", "INSERT ON dbsynth_test_partly.secret"],
    );

    let found = reader.source().unwrap().introspect().unwrap();

    let names: Vec<String> = found.schema.tables.iter().map(|table| table.name.to_string()).collect();
    assert_eq!(names, ["open_table"]);
    let finding = found.findings.iter().find(|finding| finding.code == "unreadable-table").unwrap();
    assert_eq!(finding.table.as_deref(), Some("secret"));
    pair.ask("DROP USER dbsynth_partly@'%'");
}

#[test]
fn several_defaults_from_sequences_and_binary_defaults_survive_on_mariadb() {
    let Some(mut pair) = Pair::new("defaults", &[]) else { return };
    if !pair.admin.server.mariadb {
        return;
    }
    pair.admin.run(&format!("USE {}", identifier(&pair.names[0].clone()))).unwrap();
    for sql in [
        "CREATE SEQUENCE s",
        "CREATE SEQUENCE `odd seq`",
        "CREATE TABLE t (id int NOT NULL DEFAULT nextval(s) PRIMARY KEY, n int DEFAULT nextval(`odd seq`), raw binary(2) DEFAULT 0x41ff)",
        "INSERT INTO t () VALUES (), ()",
        "CREATE TABLE kept (id int PRIMARY KEY, v int, from_ts timestamp(6) GENERATED ALWAYS AS ROW START, \
         to_ts timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME (from_ts, to_ts)) WITH SYSTEM VERSIONING",
        "INSERT INTO kept (id, v) VALUES (1, 1), (2, 2)",
        "UPDATE kept SET v = 3",
    ] {
        pair.admin.run(sql).unwrap();
    }

    let found = copy(&pair, true);
    pair.ask("INSERT INTO t () VALUES ()");

    assert_eq!(pair.ask_one("SELECT CONCAT(MAX(id), ' ', MAX(n), ' ', MAX(HEX(raw))) FROM t"), "3 3 41FF");
    let kept = &found.schema.tables[found.schema.find("kept").unwrap().0];
    assert_eq!((kept.columns.len(), kept.primary_key.as_ref().unwrap().columns.len()), (2, 1));
    assert!(found.findings.iter().any(|finding| finding.code == "history-not-copied"));
}
