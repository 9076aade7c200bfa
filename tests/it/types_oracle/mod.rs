//! Every type, generated in memory, loaded and read back: the server is the oracle.
//!
//! A value that was generated must be read back equal to the last bit. Where the server has a normal form of its own
//! (a `jsonb` without spaces, a point as its text) the server itself must say that both are one value.

#![expect(clippy::print_stderr, reason = "a skip must be seen")]

mod mysql;
mod postgres;
mod sqlite;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use arrow_array::{Array, ArrayRef, Int64Array, cast::AsArray, types::Float64Type};
use dbsynth::{
    config::Config,
    data::TableData,
    db::{Scan, Source, connect},
    load::Loader,
    model::Model,
    model_file, pipeline,
    progress::Silent,
    sample::{Outlet, Piece, SampleError, SampleOptions, sample},
    schema::{Column, ColumnId, Schema, Storage, Table, TableId},
    seed::Seed,
    verify::prove,
};

use crate::support::{Engine, Scratch, dbsynth, engines};

/// A column: its name, its type, and a value as SQL, made of the number `i`.
pub(crate) type Kind = (&'static str, &'static str, &'static str);

/// Rows of a table from which parts of values are learned.
const MANY: usize = 240;
/// Columns per table: few enough to learn fast.
const WIDTH: usize = 14;
/// Values that the server compares in one query.
const ASKED: usize = 50;

/// How a table is filled: its name, its rows, the number that stands for `i`, whether it holds values at all.
const FILLINGS: [(&str, usize, &str, bool); 4] = [
    ("many", MANY, "id", true),
    ("few", 3, "id * 17", true),
    ("flat", 12, "7", true),
    ("hollow", 12, "id", false),
];

#[test]
fn every_type_of_postgres_is_generated_in_its_domain_and_read_back_equal() {
    if engines().contains(&Engine::Postgres) {
        every_type(Engine::Postgres, postgres::SETUP, postgres::KINDS);
    }
}

#[test]
fn types_of_extensions_are_generated_in_their_domain_and_read_back_equal() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let missing = unavailable(postgres::CONTRIB);
    if missing.is_empty() {
        of_extensions("contrib", postgres::CONTRIB, postgres::CONTRIB_KINDS);
    } else {
        assert!(std::env::var_os("CI").is_none(), "CI must have the extensions {missing:?}");
        eprintln!("SKIPPED types of extensions: the server does not have {missing:?}");
    }
}

#[test]
fn types_of_postgis_are_generated_in_their_domain_and_read_back_equal() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    if unavailable(postgres::POSTGIS).is_empty() {
        of_extensions("postgis", postgres::POSTGIS, postgres::POSTGIS_KINDS);
    } else {
        eprintln!("SKIPPED types of PostGIS: the server does not have it (Debian: postgresql-15-postgis-3)");
    }
}

/// The extensions that the server does not have.
fn unavailable(wanted: &[&'static str]) -> Vec<&'static str> {
    let scratch = Scratch::new(Engine::Postgres, &format!("oracle_available_{}", wanted[0]));
    let has = |name: &str| {
        scratch.number(&format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{name}'")) > 0
    };
    wanted.iter().copied().filter(|name| !has(name)).collect()
}

fn of_extensions(name: &str, extensions: &[&str], kinds: &[Kind]) {
    let made: Vec<String> = extensions.iter().map(|name| format!("CREATE EXTENSION {name}")).collect();
    types_as(Engine::Postgres, name, &made.join(";\n"), kinds);
}

#[test]
fn every_type_of_mysql_is_generated_in_its_domain_and_read_back_equal() {
    if !engines().contains(&Engine::MySql) {
        return;
    }
    let mariadb =
        Scratch::new(Engine::MySql, "oracle_version").text_of("SELECT VERSION()").contains("MariaDB");
    let own = if mariadb { mysql::MARIADB } else { mysql::MYSQL };
    every_type(Engine::MySql, "", &[mysql::KINDS, own].concat());
}

#[test]
fn every_type_of_sqlite_is_generated_in_its_domain_and_read_back_equal() {
    every_type(Engine::Sqlite, "", sqlite::KINDS);
}

fn every_type(engine: Engine, setup: &str, kinds: &[Kind]) {
    types_as(engine, &format!("{engine:?}").to_lowercase(), setup, kinds);
}

fn types_as(engine: Engine, name: &str, setup: &str, kinds: &[Kind]) {
    let mut faults = Vec::new();
    for (part, kinds) in kinds.chunks(WIDTH).enumerate() {
        let source = Scratch::new(engine, &format!("oracle_{name}_source"));
        source.run(setup);
        source.run(&tables(engine, part, kinds));
        let target = Scratch::new(engine, &format!("oracle_{name}_target"));
        faults.extend(round_trip(engine, &source, &target));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The tables of some types, one per filling. Every second column may be null, and is in one row of nine.
fn tables(engine: Engine, part: usize, kinds: &[Kind]) -> String {
    let mut sql = String::new();
    for (name, rows, number, filled) in FILLINGS {
        let mut columns = Vec::new();
        let mut values = Vec::new();
        for (index, (column, kind, value)) in kinds.iter().enumerate() {
            let nullable = !filled || index % 2 == 1;
            // Nullable is said: old versions of MySQL and MariaDB make TIMESTAMP columns NOT NULL by themselves.
            columns.push(format!("{column} {kind} {}", if nullable { "NULL" } else { "NOT NULL" }));
            values.push(match (nullable && name == "many", filled) {
                (_, false) => "NULL".to_owned(),
                (true, _) => format!("CASE WHEN id % 9 = 4 THEN NULL ELSE {value} END"),
                (false, _) => (*value).to_owned(),
            });
        }
        let from = match engine {
            Engine::Postgres => {
                format!("(SELECT id, {number} AS i FROM generate_series(1, {rows}) AS n (id)) AS s")
            }
            _ => format!(
                "(WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {rows}) \
                 SELECT id, {number} AS i FROM n) AS s"
            ),
        };
        let _ = write!(
            sql,
            "CREATE TABLE {name}_{part} (id INTEGER PRIMARY KEY, {});\nINSERT INTO {name}_{part} SELECT id, {} FROM {from};\n",
            columns.join(", "),
            values.join(", "),
        );
    }
    sql
}

/// Keeps what is generated.
#[derive(Default)]
struct Memory {
    batches: BTreeMap<TableId, Vec<TableData>>,
}

impl Outlet for Memory {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        self.batches.entry(piece.table).or_default().push(rows);
        Ok(())
    }

    fn done(&mut self, _table: TableId) -> Result<(), SampleError> {
        Ok(())
    }
}

/// Learns `source`, generates into memory, loads that and reads it back; says what is not as it was generated.
#[expect(clippy::result_large_err, reason = "the library's own error, in a closure that never fails")]
pub(crate) fn round_trip(engine: Engine, source: &Scratch, target: &Scratch) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.dbsynth");
    // What is generated must be of its type however little was learned.
    let config = Config { seed: Seed(11), time_budget: Some(2), ..Config::default() };
    pipeline::train(&source.url(), &file, &config, &mut |_| Ok(()), &Silent).unwrap();
    let model = model_file::load(&file).unwrap();
    let generated = generate(&model);
    let mut faults = Vec::new();
    if let Err(refused) = load(&model, &generated, target) {
        return vec![refused];
    }
    let (real, written) = (read(source), read(target));
    for (id, table) in model.schema.iter() {
        let name = table.name.to_string();
        let (Some(made), Some((here, back)), Some((_, real))) =
            (generated.get(&id), written.get(&name), real.get(&name))
        else {
            faults.push(format!("{name}: no rows"));
            continue;
        };
        if made.row_count != back.row_count {
            faults.push(format!(
                "{name}: {} rows were generated, {} are there",
                made.row_count, back.row_count
            ));
            continue;
        }
        for (column, array) in made.columns.iter().zip(&made.arrays) {
            let place =
                format!("{name}.{} {}", table.column(*column).name, table.column(*column).native_type);
            let Some(found) = here.find(&table.column(*column).name).and_then(|id| back.column(id)) else {
                faults.push(format!("{place}: not read back"));
                continue;
            };
            faults.extend(
                differences(engine, target, (table, *column), (made, array), found)
                    .map(|what| format!("{place}: {what}")),
            );
            if let Some(known) = real.column(*column) {
                faults.extend(monotony(&name, known, array).map(|what| format!("{place}: {what}")));
            }
        }
    }
    faults
}

fn generate(model: &Model) -> BTreeMap<TableId, TableData> {
    let mut memory = Memory::default();
    let rows = vec![None; model.schema.tables.len()];
    sample(model, SampleOptions::new(Seed(5), &rows), &mut memory, &Silent).unwrap();
    memory
        .batches
        .into_iter()
        .filter_map(|(id, batches)| Some((id, by_key(TableData::concat(&batches)?))))
        .collect()
}

/// The first column, which is the key.
fn keys_of(rows: &TableData) -> &Int64Array {
    rows.column(ColumnId(0)).unwrap().as_primitive()
}

/// Rows in the order of their key.
fn by_key(rows: TableData) -> TableData {
    let keys = keys_of(&rows).clone();
    let mut order: Vec<u32> = (0..rows.row_count as u32).collect();
    order.sort_by_key(|row| keys.value(*row as usize));
    rows.take(&order)
}

fn load(model: &Model, generated: &BTreeMap<TableId, TableData>, target: &Scratch) -> Result<(), String> {
    let database = connect(&target.url()).unwrap();
    let Model { schema, plan, blueprint, .. } = model;
    let sink = database.sink().unwrap();
    let mut loader = Loader::begin(sink, database.dialect(), schema, plan, blueprint, false).unwrap();
    for (id, rows) in generated {
        if let Err(error) = loader.write(*id, rows, &Silent).and_then(|()| loader.finish_table(*id, &Silent))
        {
            return Err(format!("{}: {error}", schema.table(*id).name));
        }
    }
    let findings = loader.finish(&Silent).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    let tables: Vec<TableId> = schema.iter().map(|(id, _)| id).collect();
    let (proof, _) = prove(loader.session(), database.dialect(), schema, &tables).unwrap();
    assert_eq!(proof.violations(), 0);
    loader.commit().unwrap();
    Ok(())
}

/// All tables of a database by name, in the order of their keys.
fn read(scratch: &Scratch) -> BTreeMap<String, (Table, TableData)> {
    let mut source = connect(&scratch.url()).unwrap().source().unwrap();
    let schema: Schema = source.introspect().unwrap().schema;
    schema
        .tables
        .iter()
        .map(|table| (table.name.to_string(), (table.clone(), scanned(source.as_mut(), table))))
        .collect()
}

fn scanned(source: &mut dyn Source, table: &Table) -> TableData {
    let columns: Vec<ColumnId> = table.iter().map(|(id, _)| id).collect();
    let order_by = vec![columns[0]];
    let mut batches = Vec::new();
    source
        .scan(
            table,
            &Scan { columns: columns.clone(), order_by, batch_rows: 1000, exact: false },
            &mut |batch| {
                batches.push(batch);
                Ok(())
            },
        )
        .unwrap();
    TableData::concat(&batches).unwrap_or_else(|| TableData::bare(0))
}

/// What differs between a generated column and what was read back of it, unless the server says that it is one value.
fn differences(
    engine: Engine,
    target: &Scratch,
    (table, column): (&Table, ColumnId),
    (made, array): (&TableData, &ArrayRef),
    found: &ArrayRef,
) -> Option<String> {
    let unequal: Vec<usize> = (0..made.row_count).filter(|row| !same(array, found, *row)).collect();
    let first = *unequal.first()?;
    let shown = |array: &ArrayRef, row: usize| format!("{:?}", array.slice(row, 1)).replace('\n', " ");
    let both = format!(
        "{} of {} differ, first {} became {}",
        unequal.len(),
        made.row_count,
        shown(array, first),
        shown(found, first)
    );
    if array.data_type() != found.data_type() || table.column(column).data_type.storage() != Storage::Text {
        return Some(both);
    }
    let texts = array.as_string::<i32>();
    let keys = keys_of(made);
    if engine == Engine::Sqlite || unequal.iter().any(|row| texts.is_null(*row) || found.is_null(*row)) {
        return Some(both);
    }
    let Column { name, native_type, .. } = table.column(column);
    let equal = |row: &usize| {
        let literal = texts.value(*row).replace('\'', "''");
        let equal = match engine {
            Engine::Postgres => postgres::equal(name, native_type, &literal),
            _ => mysql::equal(name, native_type, &literal),
        };
        format!("(id = {} AND {equal})", keys.value(*row))
    };
    let from = table.name.to_string();
    let from = from.rsplit('.').next().unwrap();
    let quote = if engine == Engine::Postgres { '"' } else { '`' };
    let are_equal = |rows: &[usize]| {
        let tests = rows.iter().map(equal).collect::<Vec<_>>().join(" OR ");
        target.number(&format!("SELECT count(*) FROM {quote}{from}{quote} WHERE {tests}"))
            == rows.len() as i64
    };
    // The server is asked about many at once; about each only where one is another value.
    let odd = unequal
        .chunks(ASKED)
        .filter(|rows: &&[usize]| !are_equal(rows))
        .flatten()
        .find(|row| !are_equal(&[**row]))?;
    Some(format!(
        "{both}; the server says that {} is another value than {}",
        texts.value(*odd),
        shown(found, *odd)
    ))
}

fn same(left: &ArrayRef, right: &ArrayRef, row: usize) -> bool {
    let (left, right) = (left.slice(row, 1), right.slice(row, 1));
    match (left.as_primitive_opt::<Float64Type>(), right.as_primitive_opt::<Float64Type>()) {
        (Some(a), Some(b)) if a.is_valid(0) && b.is_valid(0) => {
            // Not a number is one value; minus nothing is nothing in a decimal.
            (a.value(0).is_nan() && b.value(0).is_nan()) || a.value(0) == b.value(0)
        }
        _ => left == right,
    }
}

/// Says if a generated column has lost the variety of the real one, or its nulls.
fn monotony(table: &str, real: &ArrayRef, made: &ArrayRef) -> Option<String> {
    let distinct = |array: &ArrayRef| -> usize {
        let values = (0..array.len()).filter(|row| array.is_valid(*row));
        values.map(|row| format!("{:?}", array.slice(row, 1))).collect::<BTreeSet<_>>().len()
    };
    if real.null_count() == real.len() {
        return (made.null_count() < made.len()).then(|| "values where the source has none".to_owned());
    }
    if real.null_count() == 0 && made.null_count() > 0 {
        return Some(format!("{} nulls where the source has none", made.null_count()));
    }
    if !table.contains("many") {
        return None;
    }
    let nulls = made.null_count();
    if real.null_count() > 0 && (nulls == 0 || nulls > 3 * real.null_count()) {
        return Some(format!("{nulls} nulls for {}", real.null_count()));
    }
    let (before, after) = (distinct(real), distinct(made));
    let wanted = match before {
        0 | 1 => 1,
        2..=9 => before.div_ceil(2),
        _ => 6,
    };
    (after < wanted).then(|| format!("{after} different values for {before}"))
}

#[test]
fn what_triggers_compute_is_computed_on_the_target() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let source = Scratch::new(Engine::Postgres, "oracle_triggers_source");
    let target = Scratch::new(Engine::Postgres, "oracle_triggers_target");
    source.run_each(
        [
            "CREATE TABLE article (id serial PRIMARY KEY, title text NOT NULL, slug text, words tsvector NOT NULL, at timestamptz)",
            "CREATE TABLE note (id serial PRIMARY KEY, head text, words tsvector)",
            "CREATE FUNCTION article_words() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             NEW.words := setweight(to_tsvector('english', coalesce(NEW.title, '')), 'A'); \
             NEW.slug = lower(replace(NEW.title, ' ', '-')); NEW.at := now(); RETURN NEW; END $$",
            "CREATE TRIGGER a BEFORE INSERT OR UPDATE ON article FOR EACH ROW EXECUTE FUNCTION article_words()",
            "CREATE TRIGGER b BEFORE INSERT OR UPDATE ON note FOR EACH ROW \
             EXECUTE FUNCTION tsvector_update_trigger('words', 'pg_catalog.simple', 'head')",
            "INSERT INTO article (title) SELECT 'About number ' || i FROM generate_series(1, 60) i",
            "INSERT INTO note (head) SELECT CASE WHEN i % 5 > 0 THEN 'Head ' || i END FROM generate_series(1, 60) i",
        ]
        .into_iter(),
    );

    dbsynth(&["clone", source.text(), target.text(), "--yes"]).exits(0);

    let rows = "SELECT count(*) FROM article WHERE words = setweight(to_tsvector('english', title), 'A') \
                AND slug = lower(replace(title, ' ', '-'))";
    assert_eq!(target.number(rows), 60);
    // A title of words that say nothing ("about") has none.
    assert!(target.number("SELECT count(*) FROM article WHERE words <> ''") > 30);
    let rows = "SELECT count(*) FROM note WHERE words IS NOT DISTINCT FROM to_tsvector('simple', coalesce(head, ''))";
    assert_eq!(target.number(rows), 60);
    // Nothing of the filling is left behind.
    assert_eq!(target.number("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), 2);
}
