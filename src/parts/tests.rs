use std::{fs, path::Path, sync::Arc};

use arrow_array::{ArrayRef, Int64Array, StringArray};

use super::{PartsError, PartsFolder, piece};
use crate::{
    config::{Config, DbUrl},
    data::TableData,
    db::{Introspection, connect},
    plan::Plan,
    progress::Silent,
    sample::{Outlet, Piece, SampleError, SampleSummary, Shard, TableSample},
    schema::{ColumnId, TableId},
};

/// Two tables, of which the second refers to the first.
fn shop(folder: &Path) -> Plan {
    let path = folder.join("shop.sqlite");
    let url = DbUrl::parse(&format!("sqlite:{}", path.display())).unwrap();
    fs::write(&path, "").unwrap();
    let database = connect(&url).unwrap();
    database
        .sink()
        .unwrap()
        .script(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, name TEXT); \
             CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER NOT NULL REFERENCES a (id))",
        )
        .unwrap();
    let Introspection { schema, .. } = database.source().unwrap().introspect().unwrap();
    Plan::build(&schema, &Config::default(), &[3, 3]).unwrap().0
}

fn numbers(from: i64, count: i64) -> TableData {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + count));
    TableData::new(vec![ColumnId(0)], vec![ids], count as usize)
}

#[derive(Default)]
struct Heard(Vec<(TableId, u64, Vec<i64>)>, Vec<TableId>);

impl Outlet for Heard {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        let ids = rows.arrays[0].as_any().downcast_ref::<Int64Array>().unwrap();
        self.0.push((piece.table, piece.number, ids.values().to_vec()));
        Ok(())
    }

    fn done(&mut self, table: TableId) -> Result<(), SampleError> {
        self.1.push(table);
        Ok(())
    }
}

/// Leaves pieces of the first table as a shard's part.
fn leave(folder: &PartsFolder, shard: Shard, pieces: &[u64]) {
    let mut part = folder.begin(shard).unwrap();
    for number in pieces {
        part.rows(Piece { table: TableId(0), number: *number }, numbers(*number as i64 * 10, 2)).unwrap();
    }
    let rows = 2 * pieces.len() as u64;
    let tables = vec![TableSample { rows, seconds: 1.0 }, TableSample::default()];
    part.finish(&SampleSummary { tables, ..SampleSummary::default() }).unwrap();
}

#[test]
fn a_piece_is_read_as_it_was_written() {
    let mut rows = numbers(1, 3);
    rows.set(ColumnId(7), Arc::new(StringArray::from(vec![Some("ä"), None, Some("")])));
    rows.set_exact(ColumnId(0), Arc::new(StringArray::from(vec![None, Some("2.0000000000000000001"), None])));
    let mut file = Vec::new();
    // A slice is written without what lies around it.
    piece::put(&mut file, 9, &rows.slice(1, 2)).unwrap();
    piece::put(&mut file, 10, &TableData::bare(4)).unwrap();

    let (mut read, mut left) = (file.as_slice(), file.len() as u64);
    let (number, first) = piece::take(&mut read, &mut left).unwrap().unwrap();
    let second = piece::take(&mut read, &mut left).unwrap().unwrap();

    assert_eq!((number, first.row_count, first.columns.as_slice()), (9, 2, &[ColumnId(0), ColumnId(7)][..]));
    assert_eq!(first.arrays, rows.slice(1, 2).arrays);
    assert_eq!(first.exact, rows.slice(1, 2).exact);
    assert_eq!((second.0, second.1.row_count), (10, 4));
    assert!(piece::take(&mut read, &mut left).unwrap().is_none());
    for cut in [1, 15, 40, file.len() - 1] {
        let (mut read, mut left) = (&file[..cut], cut as u64);
        let all = std::iter::from_fn(|| piece::take(&mut read, &mut left).transpose());
        assert!(all.collect::<Result<Vec<_>, _>>().is_err(), "cut at {cut}");
    }
}

#[test]
fn pieces_of_all_parts_come_in_their_order() {
    let home = tempfile::tempdir().unwrap();
    let plan = shop(home.path());
    let folder = PartsFolder::open(&home.path().join("parts"), "run", 3).unwrap();
    let shard = |index| Shard::new(index, 3).unwrap();

    leave(&folder, shard(1), &[1, 4]);
    leave(&folder, shard(2), &[2]);
    assert_eq!(folder.missing(), [shard(0)]);
    assert!(folder.take().unwrap().is_none(), "nobody writes before all are there");
    leave(&folder, shard(0), &[0, 3, 9]);
    let lock = folder.take().unwrap();
    assert!(lock.is_some() && folder.take().unwrap().is_none(), "one process writes");

    let parts = folder.read(&plan).unwrap();
    let mut heard = Heard::default();
    parts.hand_out(&mut heard, &Silent).unwrap();
    let order: Vec<u64> = heard.0.iter().map(|(_, number, _)| *number).collect();
    assert_eq!(order, [0, 1, 2, 3, 4, 9]);
    assert_eq!(heard.0[5].2, [90, 91]);
    assert_eq!(heard.1, [TableId(0), TableId(1)]);
    assert_eq!(parts.summary().tables[0].rows, 12);
    folder.remove().unwrap();
    assert!(!home.path().join("parts").exists());
}

#[test]
fn a_part_is_whole_or_not_there() {
    let home = tempfile::tempdir().unwrap();
    let plan = shop(home.path());
    let folder = PartsFolder::open(home.path(), "run", 1).unwrap();
    // A process that was killed.
    let stale = folder.path().join("0001-of-0001.partial-999999999");
    fs::create_dir(&stale).unwrap();
    let mut part = folder.begin(Shard::WHOLE).unwrap();
    part.rows(Piece { table: TableId(0), number: 0 }, numbers(0, 2)).unwrap();
    assert!(!stale.exists(), "what was left is removed");
    drop(part);
    assert!(!folder.holds(Shard::WHOLE), "what was not finished is gone");

    leave(&folder, Shard::WHOLE, &[0, 1]);
    let file = folder.path().join("0001-of-0001/table-0.rows");
    let bytes = fs::read(&file).unwrap();
    let said = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        let handed = folder.read(&plan).unwrap().hand_out(&mut Heard::default(), &Silent);
        match handed.unwrap_err() {
            PartsError::Damaged { path, reason } => {
                assert!(path.ends_with("table-0.rows"), "{path}");
                reason
            }
            other => panic!("{other}"),
        }
    };

    assert_eq!(said(&bytes[..bytes.len() - 9]), "it is cut short");
    assert_eq!(said(&bytes[..bytes.len() / 2]), "rows are missing");
}
