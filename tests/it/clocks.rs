//! Numbers of keys run with time in the copy where they do in the source: the newest order has the highest number.

use std::collections::BTreeMap;

use dbsynth::{
    data::{KeyRun, TableData},
    model_file,
    progress::Silent,
    sample::{Outlet, Piece, SampleError, SampleOptions, sample},
    schema::{ColumnId, TableId},
    seed::Seed,
};

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, dbsynth, engines},
};

const CLIENTS: i64 = 90;
const ORDERS: i64 = 900;
const LINES: i64 = 2000;

/// Orders numbered as they came, whoever ordered; lines numbered with their orders; ratings numbered by nothing.
fn shop(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add("CREATE TABLE client (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, born DATE NOT NULL)");
    script.rows("client", CLIENTS, |id| {
        format!("{id}, {}, '19{:02}-{:02}-11'", noise(id, 1, 4), 50 + noise(id, 2, 49), 1 + noise(id, 3, 12))
    });
    let time = if engine == Engine::Postgres { "TIMESTAMP" } else { "DATETIME" };
    script.add(&format!(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, placed {time}, state INTEGER NOT NULL, \
         FOREIGN KEY (client_id) REFERENCES client (id))"
    ));
    script.rows("orders", ORDERS, |id| {
        let day = id / 3;
        // A few are entered late, and a few have no time.
        let minute = if id % 40 == 0 { 0 } else { (id % 3) * 400 + noise(id, 4, 390) };
        let placed = if id % 90 == 7 {
            "NULL".to_owned()
        } else {
            let (month, day) = (1 + day / 28 % 12, 1 + day % 28);
            format!("'2024-{month:02}-{day:02} {:02}:{:02}:00'", minute / 60, minute % 60)
        };
        format!("{id}, {}, {placed}, {}", 1 + noise(id, 5, CLIENTS), noise(id, 6, 3))
    });
    script.add(
        "CREATE TABLE line (id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, amount INTEGER NOT NULL, \
         FOREIGN KEY (order_id) REFERENCES orders (id))",
    );
    script.rows("line", LINES, |id| {
        format!("{id}, {}, {}", 1 + id * (ORDERS - 1) / LINES, 1 + noise(id, 7, 9))
    });
    script.add(
        "CREATE TABLE rating (id INTEGER PRIMARY KEY, client_id INTEGER NOT NULL, at DATE NOT NULL, stars INTEGER NOT NULL, \
         FOREIGN KEY (client_id) REFERENCES client (id))",
    );
    script.rows("rating", 400, |id| {
        let (month, day) = (1 + noise(id, 8, 12), 1 + noise(id, 9, 28));
        format!("{id}, {}, '2024-{month:02}-{day:02}', {}", 1 + noise(id, 10, CLIENTS), 1 + noise(id, 11, 5))
    });
    script.database(name)
}

/// Pairs of rows, one after the other by number, of which the second is earlier.
fn back(copy: &Scratch, table: &str, clock: &str) -> i64 {
    copy.number(&format!(
        "SELECT count(*) FROM (SELECT {clock} AS later, lag({clock}) OVER (ORDER BY id) AS earlier FROM {table} \
         WHERE {clock} IS NOT NULL) AS steps WHERE later < earlier"
    ))
}

fn numbers_run_with_time(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("clocks_{engine:?}_{end}").to_lowercase();
    let source = shop(engine, &name("source"));
    let copy = Scratch::new(engine, &name("copy"));

    dbsynth(&["clone", source.text(), copy.text(), "--time-budget", "6s", "--audit", "off"]).exits(0);

    for (table, clock) in [("orders", "placed"), ("line", "order_id")] {
        assert!(copy.number(&format!("SELECT count(*) FROM {table}")) > 500);
        assert_eq!(back(&copy, table, clock), 0, "{table} by {clock}");
        assert_eq!(copy.number(&format!("SELECT max(id) - count(*) FROM {table}")), 0, "numbers from 1");
    }
    assert!(copy.number("SELECT count(*) FROM orders WHERE placed IS NULL") > 0);
    assert!(back(&copy, "rating", "at") > 50, "what is not so in the source is not so in the copy");
    dbsynth(&["verify", copy.text()]).exits(0);
    let rules = dbsynth(&["plan", source.text(), "--rules"]).exits(0).stdout;
    assert!(
        rules.contains("id counts on with placed") && rules.contains("id counts on with order_id"),
        "{rules}"
    );
    assert!(!rules.contains("counts on with at") && !rules.contains("counts on with born"), "{rules}");
}

/// Payments of a composite key whose number the server counts, from 16,050 on, visit by visit.
fn till(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    let counted = if engine == Engine::Postgres { "SERIAL" } else { "INTEGER NOT NULL AUTO_INCREMENT" };
    let index = if engine == Engine::Postgres { "" } else { ", KEY (number)" };
    script.add("CREATE TABLE visit (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, day DATE NOT NULL)");
    script.rows("visit", 300, |id| {
        format!("{id}, {}, '2024-{:02}-{:02}'", noise(id, 1, 4), 1 + noise(id, 2, 12), 1 + noise(id, 3, 28))
    });
    script.add(&format!(
        "CREATE TABLE payment (number {counted}, day DATE NOT NULL, visit_id INTEGER NOT NULL, \
         amount INTEGER NOT NULL, PRIMARY KEY (day, number){index}, FOREIGN KEY (visit_id) REFERENCES visit (id))"
    ));
    script.rows("payment", 1200, |id| {
        let (month, day) = (1 + noise(id, 4, 12), 1 + noise(id, 5, 28));
        let visit = 1 + id * 299 / 1200;
        format!("{}, '2024-{month:02}-{day:02}', {visit}, {}", 16_049 + 2 * id, 5 + noise(id, 6, 90))
    });
    script.database(name)
}

fn numbers_beside_a_key_begin_as_in_the_source(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("till_{engine:?}_{end}").to_lowercase();
    let source = till(engine, &name("source"));
    let copy = Scratch::new(engine, &name("copy"));

    dbsynth(&["clone", source.text(), copy.text(), "--time-budget", "4s", "--audit", "off"]).exits(0);

    let rows = copy.number("SELECT count(*) FROM payment");
    let end = |end: &str| copy.number(&format!("SELECT count(*) - count(*) + {end}(number) FROM payment"));
    let (low, high) = (end("min"), end("max"));
    assert!((15_900..16_200).contains(&low), "the first is {low}, not near 16051");
    assert!((rows * 19 / 10..rows * 21 / 10).contains(&(high - low)), "{low} to {high} for {rows} rows");
    let back = "SELECT count(*) FROM (SELECT visit_id, lag(visit_id) OVER (ORDER BY number) AS earlier \
                FROM payment) AS steps WHERE visit_id < earlier";
    assert_eq!(copy.number(back), 0, "numbers run with the visits");
    let rules = dbsynth(&["plan", source.text(), "--rules"]).exits(0).stdout;
    assert!(rules.contains("number counts on with visit_id"), "{rules}");
    assert!(
        rules.contains("number counts from about 160") && rules.contains("in steps of about 2"),
        "{rules}"
    );
    dbsynth(&["verify", copy.text()]).exits(0);
}

#[test]
fn numbers_beside_a_key_begin_as_in_the_source_on_postgres() {
    numbers_beside_a_key_begin_as_in_the_source(Engine::Postgres);
}

#[test]
fn numbers_beside_a_key_begin_as_in_the_source_on_mysql() {
    numbers_beside_a_key_begin_as_in_the_source(Engine::MySql);
}

#[test]
fn numbers_run_with_time_on_sqlite() {
    numbers_run_with_time(Engine::Sqlite);
}

#[test]
fn numbers_run_with_time_on_postgres() {
    numbers_run_with_time(Engine::Postgres);
}

#[test]
fn numbers_run_with_time_on_mysql() {
    numbers_run_with_time(Engine::MySql);
}

#[derive(Default)]
struct Heard(BTreeMap<TableId, Vec<TableData>>);

impl Outlet for Heard {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        self.0.entry(piece.table).or_default().push(rows);
        Ok(())
    }

    fn done(&mut self, _: TableId) -> Result<(), SampleError> {
        Ok(())
    }
}

#[test]
fn numbers_run_with_time_across_blocks_of_a_table() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.dbsynth");
    let source = shop(Engine::Sqlite, "clocks_blocks");
    dbsynth(&["train", source.text(), "-o", path.to_str().unwrap(), "--time-budget", "5s"]).exits(0);
    let model = model_file::load(&path).unwrap();
    let rows = vec![None; model.schema.tables.len()];
    let mut heard = Heard::default();
    let options = SampleOptions { block_rows: 200, scale: 3.0, ..SampleOptions::new(Seed(1), &rows) };
    sample(&model, options, &mut heard, &Silent).unwrap();
    let find = |name: &str| model.schema.iter().find(|(_, table)| table.name.name == name).unwrap();

    for (name, clock, near) in [("orders", "placed", 0.05), ("line", "order_id", 0.0)] {
        let (id, table) = find(name);
        let parts = &heard.0[&id];
        assert!(parts.len() > 3, "{name} came in {} pieces", parts.len());
        let all = TableData::concat(parts).unwrap();
        let key = ColumnId(0);
        let with = table.find(clock).unwrap();
        let run = KeyRun::of(key, &[with], &all).into_iter().find(|run| run.with == with).unwrap();
        if near == 0.0 {
            assert_eq!(run.behind, 0, "{name}: the parent's key is known to all blocks");
        }
        // Each block has its share of early and late rows: a row stands near its place.
        let numbers = dbsynth::data::ordered(all.column(key).unwrap()).unwrap();
        let times = dbsynth::data::ordered(all.column(with).unwrap()).unwrap();
        let mut order: Vec<usize> = (0..all.row_count).filter(|row| times[*row].is_some()).collect();
        order.sort_by_key(|row| numbers[*row]);
        let mut by_time = order.clone();
        by_time.sort_by_key(|row| (times[*row], numbers[*row]));
        let place: BTreeMap<usize, usize> =
            by_time.iter().enumerate().map(|(place, row)| (*row, place)).collect();
        let moved: usize = order.iter().enumerate().map(|(at, row)| at.abs_diff(place[row])).sum();
        let mean = moved as f64 / (order.len() as f64).powi(2);
        assert!(mean <= near, "{name}: rows stand {mean} of the table away from their place");
        let mut numbers: Vec<i64> = numbers.into_iter().flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all.row_count, "no number comes twice");
    }
}
