//! What several determinants decide together in the source, they decide in the copy: two rows of one combination agree.

use std::collections::BTreeMap;

use arrow_array::{Array, cast::AsArray, types::Int64Type};
use dbsynth::{
    data::TableData,
    model_file,
    progress::Silent,
    sample::{Outlet, Piece, SampleError, SampleOptions, Shard, sample},
    schema::{ColumnId, TableId},
    seed::Seed,
};

use crate::{
    fixtures::{Script, noise},
    support::{Engine, Scratch, dbsynth, engines},
};

const AIRPORTS: i64 = 24;
const FLIGHTS: i64 = 2400;

/// A length between two airports that looks like nothing; the same there and back.
fn length(one: i64, other: i64) -> i64 {
    200 + noise(one.min(other) * 31 + one.max(other), 21, 1800)
}

/// Flights as long as the way between two airports, fares by airport and class, and lengths of flights that left
/// for nowhere.
fn airline(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add(
        "CREATE TABLE airport (id INTEGER PRIMARY KEY, runways INTEGER NOT NULL, height INTEGER NOT NULL)",
    );
    script.rows("airport", AIRPORTS, |id| format!("{id}, {}, {}", 1 + noise(id, 1, 4), noise(id, 2, 900)));
    script.add(
        "CREATE TABLE flight (id INTEGER PRIMARY KEY, origin_id INTEGER NOT NULL, target_id INTEGER, \
         length INTEGER NOT NULL, minutes INTEGER NOT NULL, class INTEGER NOT NULL, fare INTEGER NOT NULL, \
         late INTEGER NOT NULL, FOREIGN KEY (origin_id) REFERENCES airport (id), \
         FOREIGN KEY (target_id) REFERENCES airport (id))",
    );
    script.rows("flight", FLIGHTS, |id| {
        let (origin, target) = (1 + noise(id, 3, AIRPORTS), 1 + noise(id, 4, AIRPORTS));
        let (target, length) = match noise(id, 5, 30) {
            0 => ("NULL".to_owned(), 300 + noise(id, 6, 40)),
            _ => (target.to_string(), length(origin, target)),
        };
        let class = noise(id, 7, 3);
        let fare = 50 + noise(origin * 7 + class, 8, 700);
        let minutes = 20 + length / 8 + noise(id, 9, 15);
        format!("{id}, {origin}, {target}, {length}, {minutes}, {class}, {fare}, {}", noise(id, 10, 60))
    });
    script.database(name)
}

/// Combinations whose rows do not agree.
fn broken(copy: &Scratch, to: &str, by: &str) -> i64 {
    copy.number(&format!(
        "SELECT count(*) FROM (SELECT {by} FROM flight WHERE target_id IS NOT NULL GROUP BY {by} \
         HAVING count(DISTINCT {to}) > 1) AS broken"
    ))
}

fn combinations_decide(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("joint_{engine:?}_{end}").to_lowercase();
    let source = airline(engine, &name("source"));
    let copy = Scratch::new(engine, &name("copy"));

    let rules = dbsynth(&["plan", source.text(), "--rules"]).exits(0).stdout;
    for rule in [
        "length is one for all rows with one airport along origin_id and one airport along target_id",
        "fare is one for all rows with one airport along origin_id and one class",
    ] {
        assert!(rules.contains(rule), "{rules}");
    }
    assert_eq!(rules.matches("is one for all rows").count(), 2, "{rules}");

    dbsynth(&["clone", source.text(), copy.text(), "--time-budget", "5s", "--audit", "off"]).exits(0);

    assert_eq!(broken(&copy, "length", "origin_id, target_id"), 0);
    assert_eq!(broken(&copy, "fare", "origin_id, class"), 0);
    assert!(copy.number("SELECT count(*) FROM flight WHERE target_id IS NULL") > 20);
    assert!(copy.number("SELECT count(DISTINCT length) FROM flight") > 100, "not one length for all");
    // The rest of the row is drawn to suit the length.
    let minutes = "SELECT count(*) FROM flight WHERE abs(minutes - 27 - length / 8) > 40";
    assert!(copy.number(minutes) < FLIGHTS / 4, "{} rows", copy.number(minutes));
    dbsynth(&["verify", copy.text()]).exits(0);
}

#[test]
fn combinations_decide_on_sqlite() {
    combinations_decide(Engine::Sqlite);
}

#[test]
fn combinations_decide_on_postgres() {
    combinations_decide(Engine::Postgres);
}

#[test]
fn combinations_decide_on_mysql() {
    combinations_decide(Engine::MySql);
}

#[derive(Default)]
struct Heard(BTreeMap<Piece, TableData>);

impl Outlet for Heard {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        assert!(self.0.insert(piece, rows).is_none(), "a piece came twice");
        Ok(())
    }

    fn done(&mut self, _: TableId) -> Result<(), SampleError> {
        Ok(())
    }
}

/// What the combinations of all pieces have; panics where two rows differ.
fn lengths(pieces: &Heard, table: TableId, columns: [ColumnId; 3]) -> BTreeMap<(i64, i64), i64> {
    let mut seen = BTreeMap::new();
    for rows in pieces.0.iter().filter(|(piece, _)| piece.table == table).map(|(_, rows)| rows) {
        let [origin, target, length] = columns.map(|column| {
            let array = rows.column(column).unwrap();
            array.as_primitive::<Int64Type>().clone()
        });
        for row in (0..rows.row_count).filter(|row| target.is_valid(*row)) {
            let way = (origin.value(row), target.value(row));
            let known = *seen.entry(way).or_insert(length.value(row));
            assert_eq!(known, length.value(row), "two lengths of {way:?}");
        }
    }
    seen
}

#[test]
fn combinations_decide_across_blocks_and_shards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("airline.dbsynth");
    let source = airline(Engine::Sqlite, "joint_blocks");
    // Without classes only parents decide, so that blocks need not see each other.
    source.run("UPDATE flight SET fare = 5 + abs(id * 7919 % 431)");
    dbsynth(&["train", source.text(), "-o", path.to_str().unwrap(), "--time-budget", "5s"]).exits(0);
    let model = model_file::load(&path).unwrap();
    let (id, table) = model.schema.iter().find(|(_, table)| table.name.name == "flight").unwrap();
    let columns = ["origin_id", "target_id", "length"].map(|name| table.find(name).unwrap());
    let rows = vec![None; model.schema.tables.len()];
    let options = SampleOptions { block_rows: 300, ..SampleOptions::new(Seed(1), &rows) };

    let mut whole = Heard::default();
    sample(&model, options, &mut whole, &Silent).unwrap();
    let mut parts = Heard::default();
    for shard in 0..3 {
        let shard = Shard::new(shard, 3).unwrap();
        sample(&model, SampleOptions { shard, ..options }, &mut parts, &Silent).unwrap();
    }

    let blocks = whole.0.keys().filter(|piece| piece.table == id).count();
    assert!(blocks > 4, "{blocks} blocks");
    let of_whole = lengths(&whole, id, columns);
    assert!(of_whole.len() > 200, "{} ways", of_whole.len());
    assert_eq!(of_whole, lengths(&parts, id, columns), "shards make the rows of one process");
}
