//! Large tables are generated and handed out block by block: what holds of a whole table holds across its blocks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, mpsc::channel},
};

use arrow_array::{
    ArrayRef, Int64Array,
    cast::AsArray,
    types::{Float64Type, Int64Type},
};
use dbsynth::{
    config::Config,
    data::{KeyColumns, TableData},
    db::{Introspection, STAGING_ROW, connect},
    load::{Loader, Trial},
    model::Model,
    model_file,
    plan::Plan,
    progress::Silent,
    sample::{BLOCK_ROWS, Outlet, Piece, SampleError, SampleOptions, sample},
    schema::{ColumnId, TableId},
    seed::Seed,
};

use crate::support::{Engine, Scratch, contents, dbsynth, engines};

/// What was handed out, in order.
#[derive(Default)]
struct Heard {
    parcels: Vec<(TableId, TableData)>,
    done: Vec<TableId>,
}

impl Outlet for Heard {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        assert!(!self.done.contains(&piece.table), "rows of a table that was complete");
        self.parcels.push((piece.table, rows));
        Ok(())
    }

    fn done(&mut self, table: TableId) -> Result<(), SampleError> {
        self.done.push(table);
        Ok(())
    }
}

fn generated(model: &Model, block_rows: usize) -> Heard {
    let mut heard = Heard::default();
    let rows = vec![None; model.schema.tables.len()];
    let options = SampleOptions { block_rows, ..SampleOptions::new(Seed(3), &rows) };
    sample(model, options, &mut heard, &Silent).unwrap();
    heard
}

/// The key of every row over some columns; rows with a null have none.
fn keys(rows: &TableData, columns: &[ColumnId]) -> Vec<Vec<u8>> {
    let columns: Vec<(ColumnId, bool)> = columns.iter().map(|column| (*column, false)).collect();
    let keys = KeyColumns::of(rows, &columns).unwrap();
    let mut key = Vec::new();
    let mut all = Vec::with_capacity(rows.row_count);
    for row in 0..rows.row_count {
        if keys.write(row, &mut key) {
            all.push(key.clone());
        }
    }
    all
}

#[test]
fn blocks_of_a_table_keep_its_keys_links_and_totals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chinook.dbsynth");
    let source = format!("sqlite:{}/fixtures/chinook.sqlite", env!("CARGO_MANIFEST_DIR"));
    dbsynth(&["train", &source, "-o", path.to_str().unwrap(), "--time-budget", "5s"]).exits(0);
    let model = model_file::load(&path).unwrap();
    let schema = &model.schema;

    let heard = generated(&model, 50);
    let whole = generated(&model, BLOCK_ROWS);

    let mut tables: BTreeMap<TableId, TableData> = BTreeMap::new();
    let mut in_blocks = BTreeSet::new();
    for (id, _) in schema.iter() {
        let parcels = |heard: &Heard| -> Vec<TableData> {
            heard.parcels.iter().filter(|(table, _)| *table == id).map(|(_, rows)| rows.clone()).collect()
        };
        let parts = parcels(&heard);
        if parts.len() > parcels(&whole).len() {
            in_blocks.insert(schema.table(id).name.name.as_str());
        }
        let all = TableData::concat(&parts).unwrap();
        let at_once: usize = parcels(&whole).iter().map(|part| part.row_count).sum();
        assert_eq!(all.row_count, at_once, "{}", schema.table(id).name);
        tables.insert(id, all);
    }
    for name in ["invoice_line", "playlist_track"] {
        assert!(in_blocks.contains(name), "{name} came in one piece; in blocks: {in_blocks:?}");
    }
    for (id, table) in schema.iter() {
        for key in table.keys() {
            let found = keys(&tables[&id], &key.columns);
            let distinct: BTreeSet<&Vec<u8>> = found.iter().collect();
            assert_eq!(distinct.len(), found.len(), "{} {}", table.name, key.name);
        }
        for fk in &table.foreign_keys {
            let parents: BTreeSet<Vec<u8>> =
                keys(&tables[&fk.parent], &fk.parent_columns).into_iter().collect();
            let lost = keys(&tables[&id], &fk.columns).iter().filter(|key| !parents.contains(*key)).count();
            assert_eq!(lost, 0, "{} {}", table.name, fk.name);
        }
    }
    // A total over rows that came in several blocks: found in the source, kept in the copy.
    let find = |name: &str| schema.iter().find(|(_, table)| table.name.name == name).unwrap();
    let ((invoices, invoice), (lines, line)) = (find("invoice"), find("invoice_line"));
    let column = |rows: &TableData, column: Option<ColumnId>| rows.column(column.unwrap()).unwrap().clone();
    let mut sums: BTreeMap<Vec<u8>, f64> = BTreeMap::new();
    let prices = column(&tables[&lines], line.find("unit_price"));
    let quantities = column(&tables[&lines], line.find("quantity"));
    for (row, of) in keys(&tables[&lines], &[line.find("invoice_id").unwrap()]).into_iter().enumerate() {
        let quantity = quantities.as_primitive::<Int64Type>().value(row);
        *sums.entry(of).or_default() += prices.as_primitive::<Float64Type>().value(row) * quantity as f64;
    }
    let totals = column(&tables[&invoices], invoice.find("total"));
    for (row, key) in keys(&tables[&invoices], &[invoice.find("invoice_id").unwrap()]).iter().enumerate() {
        let total = totals.as_primitive::<Float64Type>().value(row);
        let sum = sums.get(key).copied().unwrap_or(0.0);
        assert!((total - sum).abs() < 0.005, "invoice {row}: {total} beside {sum}");
    }

    let again = generated(&model, 50);
    for ((_, one), (_, other)) in heard.parcels.iter().zip(&again.parcels) {
        assert_eq!(one.arrays, other.arrays, "the same seed, other rows");
    }
}

/// The target is asked about rows of a table while earlier blocks of it are on their way.
fn rows_may_be_judged_between_blocks(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("judged_blocks_{engine:?}_{end}").to_lowercase();
    let source = Scratch::new(engine, &name("source"));
    source.run("CREATE TABLE entry (id integer NOT NULL PRIMARY KEY, amount integer NOT NULL)");
    let target = Scratch::new(engine, &name("target"));
    let from = connect(&source.url()).unwrap();
    let Introspection { schema, blueprint, .. } = from.source().unwrap().introspect().unwrap();
    let plan = Plan::build(&schema, &Config::default(), &[0]).unwrap().0;
    let database = connect(&target.url()).unwrap();
    let sink = database.sink().unwrap();
    let mut loader = Loader::begin(sink, database.dialect(), &schema, &plan, &blueprint, false).unwrap();
    let id = TableId(0);
    let block = |first: i64| {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(first..first + 500));
        TableData::new(vec![ColumnId(0), ColumnId(1)], vec![numbers.clone(), numbers], 500)
    };
    let judge = |loader: &mut Loader<'_>, rows: TableData| {
        let staging = database.dialect().staging(schema.table(id));
        let tests = vec![format!("SELECT {STAGING_ROW} FROM {} WHERE amount > 990", staging.0.name).into()];
        let (answer, _verdict) = channel();
        loader.judge(&Trial { table: id, rows, staging, aside: Vec::new(), tests, answer }).unwrap()
    };

    loader.write(id, &block(0), &Silent).unwrap();
    let verdict = judge(&mut loader, block(500));
    loader.write(id, &block(500), &Silent).unwrap();
    loader.finish_table(id, &Silent).unwrap();
    loader.finish(&Silent).unwrap();
    loader.commit().unwrap();

    assert_eq!(verdict[0].as_ref().unwrap().len(), 9, "{verdict:?}");
    assert_eq!(contents(&target.url()).values().map(Vec::len).collect::<Vec<_>>(), [1000]);
}

#[test]
fn rows_may_be_judged_between_blocks_on_sqlite() {
    rows_may_be_judged_between_blocks(Engine::Sqlite);
}

#[test]
fn rows_may_be_judged_between_blocks_on_postgres() {
    rows_may_be_judged_between_blocks(Engine::Postgres);
}

#[test]
fn rows_may_be_judged_between_blocks_on_mysql() {
    rows_may_be_judged_between_blocks(Engine::MySql);
}
