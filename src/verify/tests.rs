//! Every kind of violation is planted in a file without constraints and found under the schema that has them.

use std::path::Path;

use super::{ConstraintKind, Proof, prove};
use crate::{
    config::DbUrl,
    db::{Database, connect},
    finding::Finding,
    schema::{Check, ColumnId, Schema, TableId},
};

const RULES: &str = "CREATE TABLE parent (a INT NOT NULL, b TEXT NOT NULL, \"odd \"\"name\" INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE child (id INTEGER PRIMARY KEY, a INT, b TEXT, mail TEXT COLLATE NOCASE UNIQUE, code TEXT,
        gone INT, age INT CHECK (age > 0 /* years */), up INT REFERENCES child,
        CONSTRAINT to_parent FOREIGN KEY (a, b) REFERENCES parent);
    CREATE UNIQUE INDEX alive ON child (code) WHERE gone IS NULL;
    CREATE UNIQUE INDEX folded ON child (lower(code), age)";

const BARE: &str = "CREATE TABLE parent (a INT, b TEXT, \"odd \"\"name\" INT);
    CREATE TABLE child (id INT, a INT, b TEXT, mail TEXT COLLATE NOCASE, code TEXT, gone INT, age INT, up INT)";

fn database(path: &Path) -> Box<dyn Database> {
    connect(&DbUrl::parse(&format!("sqlite:{}", path.display())).unwrap()).unwrap()
}

fn make(path: &Path, sql: &str) {
    let mut sink = database(path).sink().unwrap();
    sink.begin().unwrap();
    sink.execute(sql).unwrap();
    sink.commit().unwrap();
}

fn schema() -> Schema {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.db");
    make(&path, RULES);
    database(&path).source().unwrap().introspect().unwrap().schema
}

fn prove_rows(schema: &Schema, rows: &str) -> (Proof, Vec<Finding>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bare.db");
    make(&path, &format!("{BARE}; {rows}"));
    let database = database(&path);
    let mut source = database.source().unwrap();
    let tables: Vec<TableId> = schema.iter().map(|(id, _)| id).collect();
    prove(&mut *source, database.dialect(), schema, &tables).unwrap()
}

/// Violations as `kind name=count`, zeros left out.
fn violations(proof: &Proof) -> Vec<String> {
    (proof.lines.iter())
        .filter(|line| line.violations != Some(0))
        .map(|line| format!("{}.{} {:?}", line.table, line.name, line.violations))
        .collect()
}

fn check(rows: &str, expected: &[&str]) {
    let (proof, findings) = prove_rows(&schema(), rows);
    assert_eq!(violations(&proof), expected, "{rows}");
    assert_eq!(findings, []);
}

#[test]
fn rows_that_keep_every_rule_have_no_violation() {
    let (proof, findings) = prove_rows(
        &schema(),
        "INSERT INTO parent VALUES (1, 'x', NULL), (1, 'y', NULL);
         INSERT INTO child VALUES (1, 1, 'x', 'm@x', 'c', NULL, 30, NULL), (2, 9, NULL, NULL, 'c', 1, 31, 1),
           (3, NULL, NULL, NULL, NULL, NULL, NULL, 3)",
    );

    assert_eq!(proof.violations(), 0);
    assert_eq!(findings, []);
    let kinds: Vec<(&str, ConstraintKind)> =
        proof.lines.iter().map(|line| (line.name.as_str(), line.kind)).collect();
    use ConstraintKind::{Check, ForeignKey, NotNull, PrimaryKey, Unique};
    assert_eq!(
        kinds,
        [
            ("child_pkey", PrimaryKey),
            ("alive", Unique),
            ("folded", Unique),
            ("sqlite_autoindex_child_1", Unique),
            ("child_up_fkey", ForeignKey),
            ("to_parent", ForeignKey),
            ("id", NotNull),
            ("child_check1", Check),
            ("sqlite_autoindex_parent_1", PrimaryKey),
            ("a, b", NotNull),
        ]
    );
}

#[test]
fn a_duplicate_key_counts_every_row_beyond_the_first() {
    check(
        "INSERT INTO parent VALUES (1, 'x', 1), (1, 'x', 2), (1, 'x', 3), (2, 'x', 4)",
        &["parent.sqlite_autoindex_parent_1 Some(2)"],
    );
}

#[test]
fn a_null_in_a_key_breaks_the_key_and_its_not_null() {
    check(
        "INSERT INTO parent VALUES (NULL, 'x', 1), (NULL, 'x', 1)",
        &["parent.sqlite_autoindex_parent_1 Some(2)", "parent.a, b Some(2)"],
    );
}

#[test]
fn unique_keys_follow_collation_predicate_and_expression() {
    let row = |id: i64, mail: &str, code: &str, gone: &str, age: &str| {
        format!("INSERT INTO child VALUES ({id}, NULL, NULL, {mail}, {code}, {gone}, {age}, NULL);")
    };
    let pair = |a: [&str; 4], b: [&str; 4]| row(1, a[0], a[1], a[2], a[3]) + &row(2, b[0], b[1], b[2], b[3]);

    check(
        &pair(["'M@x'", "NULL", "NULL", "1"], ["'m@X'", "NULL", "NULL", "1"]),
        &["child.sqlite_autoindex_child_1 Some(1)"],
    );
    check(&pair(["NULL", "'c'", "NULL", "1"], ["NULL", "'c'", "NULL", "2"]), &["child.alive Some(1)"]);
    check(&pair(["NULL", "'c'", "5", "1"], ["NULL", "'C'", "5", "1"]), &["child.folded Some(1)"]);
    check(&pair(["NULL", "'c'", "5", "1"], ["NULL", "'c'", "5", "2"]), &[]);
}

#[test]
fn orphans_are_found_by_every_column_of_the_key() {
    check(
        "INSERT INTO parent VALUES (1, 'x', NULL);
         INSERT INTO child (id, a, b, up) VALUES (1, 1, 'y', NULL), (2, 1, 'x', 77), (3, 2, NULL, 1)",
        &["child.child_up_fkey Some(1)", "child.to_parent Some(1)"],
    );
}

#[test]
fn match_full_refuses_half_a_key() {
    let mut schema = schema();
    schema.tables[0].foreign_keys[1].match_full = true;

    let (proof, _) =
        prove_rows(&schema, "INSERT INTO child (id, a, b) VALUES (1, 1, NULL), (2, NULL, NULL), (3, 1, 'x')");

    assert_eq!(violations(&proof), ["child.to_parent Some(2)"]);
}

#[test]
fn nulls_not_distinct_lets_two_nulls_clash() {
    let mut schema = schema();
    schema.tables[0].unique_keys[2].nulls_not_distinct = true;

    let (proof, _) = prove_rows(&schema, "INSERT INTO child (id) VALUES (1), (2)");

    assert_eq!(violations(&proof), ["child.sqlite_autoindex_child_1 Some(1)"]);
}

#[test]
fn a_false_check_counts_and_an_unknown_one_does_not() {
    check(
        "INSERT INTO child (id, age) VALUES (1, 0), (2, NULL), (3, 5), (4, -1)",
        &["child.child_check1 Some(2)"],
    );
}

#[test]
fn the_check_of_a_domain_binds_its_column() {
    let mut schema = schema();
    let check = Check {
        name: "short".to_owned(),
        expression: "length(VALUE) < 3 -- characters".to_owned(),
        domain_column: Some(ColumnId(1)),
    };
    schema.tables[1].checks.push(check);

    let (proof, _) = prove_rows(&schema, "INSERT INTO parent VALUES (1, 'long', 1), (2, 'ok', 1)");

    assert_eq!(violations(&proof), ["parent.short Some(1)"]);
}

#[test]
fn what_the_server_cannot_evaluate_is_a_finding_and_the_rest_is_still_proved() {
    let mut schema = schema();
    schema.tables[0].checks[0].expression = "no_such_function(age)".to_owned();

    let (proof, findings) = prove_rows(&schema, "INSERT INTO parent VALUES (1, 'x', 1), (1, 'x', 1)");

    assert_eq!(violations(&proof), ["child.child_check1 None", "parent.sqlite_autoindex_parent_1 Some(1)"]);
    assert_eq!(findings.len(), 1);
    assert!(findings[0].what.contains("no_such_function"), "{findings:?}");
}

#[test]
fn a_foreign_key_to_a_table_that_was_not_loaded_is_a_note() {
    let schema = schema();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bare.db");
    make(&path, BARE);
    let database = database(&path);
    let mut source = database.source().unwrap();

    let (proof, findings) = prove(&mut *source, database.dialect(), &schema, &[TableId(0)]).unwrap();

    assert!(!proof.lines.iter().any(|line| line.name == "to_parent"));
    assert_eq!(findings.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["foreign-key-unproven"]);
}

#[test]
fn a_key_over_a_constant_allows_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.db");
    make(&path, "CREATE TABLE site (id INT); CREATE UNIQUE INDEX one_row ON site ((1))");
    let schema = database(&path).source().unwrap().introspect().unwrap().schema;
    make(&path, "CREATE TABLE site (id INT); INSERT INTO site VALUES (1), (2), (3)");
    let database = database(&path);
    let mut source = database.source().unwrap();

    let (proof, findings) = prove(&mut *source, database.dialect(), &schema, &[TableId(0)]).unwrap();

    assert_eq!(findings, []);
    assert_eq!(violations(&proof), ["site.one_row Some(2)"]);
}

#[test]
fn violators_of_checks_and_keys_are_named_by_their_numbers() {
    let schema = schema();
    let (_, child) = schema.iter().find(|(_, table)| table.name.name == "child").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("staging.db");
    let database = database(&path);
    let mut sink = database.sink().unwrap();
    sink.begin().unwrap();
    let columns = "id, a, b, mail TEXT COLLATE NOCASE, code, gone, age, up, dbsynth_row INTEGER";
    sink.execute(&format!("CREATE TABLE staging ({columns})")).unwrap();
    sink.execute(
        "INSERT INTO staging (mail, code, gone, age, dbsynth_row) VALUES
            ('a', 'x', NULL, 5, 0), ('A', 'X', NULL, 5, 1), ('b', 'x', NULL, -1, 2), ('c', 'x', 1, NULL, 3)",
    )
    .unwrap();
    let staging = crate::schema::TableName::bare("staging");
    let mut ask = |suspect| {
        let sql = super::violators(database.dialect(), child, &staging, suspect).unwrap();
        sink.numbers(&sql).unwrap()
    };
    let key = |name: &str| child.unique_keys.iter().find(|key| key.name == name).unwrap();

    assert_eq!(ask(super::Suspect::Check(&child.checks[0])), [2]);
    assert_eq!(ask(super::Suspect::Key(key("alive"))), [2], "a row outside the predicate does not count");
    assert_eq!(ask(super::Suspect::Key(key("folded"))), [1]);
    let mail = child.unique_keys.iter().find(|key| key.columns == [child.find("mail").unwrap()]).unwrap();
    assert_eq!(ask(super::Suspect::Key(mail)), [1]);
}
