//! Loads into SQLite files: refusals, skipped tables, optional objects, overlap, interrupts of the writer.

use std::{
    path::Path,
    sync::{Arc, Mutex, mpsc},
};

use arrow_array::{ArrayRef, Int64Array};

use super::{Loader, Parcel, refuse_same, write_all};
use crate::{
    config::{DbUrl, TableMode},
    data::TableData,
    db::{Blueprint, Database, DbErrorKind, Introspection, ServerIdentity, connect},
    plan::{ColumnRole, EntityPath, LinkRole, Plan, TablePlan},
    progress::{Event, Progress, Silent},
    schema::{ColumnId, Schema, TableId, TableName},
};

const SHOP: &str = "CREATE TABLE customer (id INTEGER PRIMARY KEY);
    CREATE TABLE sale (id INTEGER PRIMARY KEY, customer_id INT REFERENCES customer (id));
    CREATE INDEX sale_customer ON sale (customer_id);
    CREATE VIEW loyal AS SELECT id FROM customer";

fn database(path: &Path) -> Box<dyn Database> {
    connect(&DbUrl::parse(&format!("sqlite:{}", path.display())).unwrap()).unwrap()
}

/// Makes a file that dbsynth did make, from statements.
fn make(path: &Path, sql: &str) {
    let mut sink = database(path).sink().unwrap();
    sink.begin().unwrap();
    sink.execute(sql).unwrap();
    sink.commit().unwrap();
}

fn shop(folder: &Path) -> Introspection {
    let path = folder.join("shop.db");
    make(&path, SHOP);
    database(&path).source().unwrap().introspect().unwrap()
}

fn plan(schema: &Schema, skipped: &[&str]) -> Plan {
    let tables = schema
        .iter()
        .map(|(id, table)| TablePlan {
            table: id,
            mode: if skipped.contains(&table.name.name.as_str()) {
                TableMode::Skip
            } else {
                TableMode::Synthesize
            },
            reason: String::new(),
            context: None,
            links: vec![LinkRole::Link; table.foreign_keys.len()],
            columns: vec![ColumnRole::Attribute; table.columns.len()],
            rows: None,
            entity: EntityPath { root: id, along: None, personal: true },
        })
        .collect();
    Plan { tables, strata: vec![schema.iter().map(|(id, _)| id).collect()] }
}

fn numbers(columns: &[&[i64]]) -> TableData {
    let arrays =
        columns.iter().map(|values| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef).collect();
    TableData::new((0..columns.len()).map(ColumnId).collect(), arrays, columns[0].len())
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Progress for Recorder {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

fn begin<'a>(
    target: &Path,
    found: &'a Introspection,
    plan: &'a Plan,
    replace: bool,
) -> Result<Loader<'a>, crate::db::DbError> {
    let database = database(target);
    let sink = database.sink().unwrap();
    Loader::begin(sink, database.dialect(), &found.schema, plan, &found.blueprint, replace)
}

#[test]
fn parcels_from_another_thread_are_loaded_counted_and_seen_at_commit() {
    let folder = tempfile::tempdir().unwrap();
    let found = shop(folder.path());
    let plan = plan(&found.schema, &[]);
    let target = folder.path().join("target.db");
    let mut loader = begin(&target, &found, &plan, false).unwrap();
    let recorder = Recorder::default();
    let ids: Vec<i64> = (0..45_000).collect();

    let (sender, receiver) = mpsc::sync_channel(1);
    let (customer, sale) = (TableId(0), TableId(1));
    std::thread::scope(|scope| {
        scope.spawn(move || {
            sender.send(Parcel::Rows(customer, numbers(&[&ids]))).unwrap();
            sender.send(Parcel::Done(customer)).unwrap();
            sender.send(Parcel::Rows(sale, numbers(&[&[1, 2], &[7, 8]]))).unwrap();
            sender.send(Parcel::Done(sale)).unwrap();
        });
        write_all(&mut loader, receiver, &recorder).unwrap();
    });
    let findings = loader.finish(&recorder).unwrap();

    assert_eq!(findings, []);
    assert_eq!(loader.session().count("SELECT count(*) FROM customer").unwrap(), 45_000);
    assert_eq!(loader.written().iter().map(|written| written.rows).collect::<Vec<_>>(), [45_000, 2]);
    assert!(!target.exists(), "nothing is seen before commit");
    loader.commit().unwrap();
    let mut source = database(&target).source().unwrap();
    assert_eq!(source.count("SELECT count(*) FROM sale").unwrap(), 2);
    let advanced: u64 = (recorder.0.lock().unwrap().iter())
        .map(|event| if let Event::TableAdvanced { stage: "load", done, .. } = event { *done } else { 0 })
        .sum();
    assert_eq!(advanced, 45_002);
}

#[test]
fn tables_that_would_be_one_on_the_target_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = shop(folder.path());
    found.schema.tables[0].name = TableName::bare("Orders");
    found.schema.tables[1].name = TableName::bare("ORDERS");
    let all = plan(&found.schema, &[]);
    let target = folder.path().join("target.db");

    let refused = begin(&target, &found, &all, true).map(|_| ()).unwrap_err();

    assert_eq!(refused.kind, DbErrorKind::Refused);
    assert!(refused.message.contains("Orders and ORDERS would be one table"), "{}", refused.message);
    assert!(refused.message.contains("--exclude"), "{}", refused.message);
    assert!(!target.exists(), "nothing was written");
    // Left out, one is no longer in the way of the other.
    let some = plan(&found.schema, &["ORDERS"]);
    assert!(begin(&target, &found, &some, true).is_ok());
}

#[test]
fn a_target_of_somebody_else_is_refused_unless_it_may_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let found = shop(folder.path());
    let plan = plan(&found.schema, &[]);
    let target = folder.path().join("target.db");
    make(&target, "CREATE TABLE ledger (a)");
    begin(&target, &found, &plan, false).map(|_| ()).expect("its own work may be replaced");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/chinook.sqlite"), &target).unwrap();

    let error = begin(&target, &found, &plan, false).map(|_| ()).unwrap_err();

    assert_eq!(error.kind, DbErrorKind::Refused);
    assert!(error.message.contains("album") && error.message.contains("--replace"), "{error}");
    let loader = begin(&target, &found, &plan, true).unwrap();
    loader.commit().unwrap();
    assert!(begin(&target, &found, &plan, false).is_ok());
}

#[test]
fn what_hangs_on_a_skipped_table_is_left_out_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let found = shop(folder.path());
    let plan = plan(&found.schema, &["customer"]);
    let mut loader = begin(&folder.path().join("target.db"), &found, &plan, false).unwrap();

    let findings = loader.finish(&Silent).unwrap();

    let codes: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["parent-skipped", "object-not-made"], "{findings:?}");
    assert_eq!(loader.tables(), [TableId(1)]);
    let left = "SELECT count(*) FROM sqlite_schema WHERE name IN ('customer', 'loyal')";
    assert_eq!(loader.session().count(left).unwrap(), 0);
}

#[test]
fn a_statement_that_must_work_names_its_object_when_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = shop(folder.path());
    found.blueprint.statements[0].sql = "CREATE TABLE".to_owned();
    let plan = plan(&found.schema, &[]);

    let error = begin(&folder.path().join("target.db"), &found, &plan, false).map(|_| ()).unwrap_err();

    assert!(error.message.starts_with("table customer: "), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the source is left");
}

#[test]
fn a_blueprint_of_another_engine_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = shop(folder.path());
    found.blueprint = Blueprint { dialect: crate::schema::DialectName::Postgres, ..found.blueprint.clone() };
    let plan = plan(&found.schema, &[]);

    let error = begin(&folder.path().join("target.db"), &found, &plan, false).map(|_| ()).unwrap_err();

    assert_eq!(error.kind, DbErrorKind::Unsupported);
}

#[test]
fn a_database_is_never_its_own_target() {
    let identity = |database: &str, version: &str| ServerIdentity {
        server: "one".to_owned(),
        database: database.to_owned(),
        version: version.to_owned(),
    };

    let same = refuse_same(&identity("a", "15.1"), &identity("a", "15.2")).unwrap_err();
    assert_eq!(same.kind, DbErrorKind::Refused);
    assert!(refuse_same(&identity("a", "15"), &identity("b", "15")).is_ok());
}

#[test]
fn rows_are_judged_in_a_staging_table_and_none_of_them_stays() {
    let folder = tempfile::tempdir().unwrap();
    let found = shop(folder.path());
    let plan = plan(&found.schema, &[]);
    let target = folder.path().join("target.db");
    let opened = database(&target);
    let mut loader = begin(&target, &found, &plan, false).unwrap();
    let sale = TableId(1);
    let (answer, verdicts) = mpsc::channel();
    let (sender, receiver) = mpsc::sync_channel(4);
    let trial = |rows, tests: &[&str]| {
        Parcel::Judge(super::Trial {
            table: sale,
            rows,
            staging: opened.dialect().staging(found.schema.table(sale)),
            aside: Vec::new(),
            tests: tests.iter().map(|test| (*test).to_owned().into()).collect(),
            answer: answer.clone(),
        })
    };
    let odd = "SELECT dbsynth_row FROM dbsynth_judge WHERE NOT (customer_id % 2 = 0) ORDER BY 1 DESC";
    let unreadable = "SELECT dbsynth_row FROM dbsynth_judge WHERE no_such_function(id)";

    sender.send(Parcel::Rows(sale, numbers(&[&[1], &[2]]))).unwrap();
    sender.send(trial(numbers(&[&[5, 6, 7], &[1, 2, 3]]), &[odd, unreadable])).unwrap();
    sender.send(trial(numbers(&[&[8], &[4]]), &[odd])).unwrap();
    sender.send(Parcel::Rows(sale, numbers(&[&[3], &[4]]))).unwrap();
    drop(sender);
    write_all(&mut loader, receiver, &Silent).unwrap();

    let first = verdicts.try_recv().unwrap();
    assert_eq!(first[0], Ok(vec![0, 2]));
    assert!(first[1].is_err(), "what the server cannot evaluate is said, and stops nothing");
    assert_eq!(verdicts.try_recv().unwrap(), [Ok(Vec::new())]);
    assert_eq!(loader.session().count("SELECT count(*) FROM sale").unwrap(), 2);
    let left = "SELECT count(*) FROM sqlite_temp_schema WHERE name = 'dbsynth_judge'";
    assert_eq!(loader.session().count(left).unwrap(), 0);
}
