//! A generation in shards: any number of processes that meet in a folder make what one process makes.

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use dbsynth::{
    data::TableData,
    model::Model,
    model_file,
    progress::{Event, Progress, Silent},
    sample::{Outlet, Piece, SampleError, SampleOptions, Shard, sample},
    schema::TableId,
    seed::Seed,
};

use crate::{
    fixtures,
    support::{Engine, Scratch, command, contents, dbsynth, engines, nothing_is_left_beside},
};

/// What was handed out, by table and place.
#[derive(Default)]
struct Heard(BTreeMap<(TableId, u64), TableData>);

impl Outlet for Heard {
    fn rows(&mut self, piece: Piece, rows: TableData) -> Result<(), SampleError> {
        assert!(self.0.insert((piece.table, piece.number), rows).is_none(), "a piece came twice");
        Ok(())
    }

    fn done(&mut self, _: TableId) -> Result<(), SampleError> {
        Ok(())
    }
}

/// Counts rows drawn of a table.
struct Drawn<'a>(&'a str, Mutex<u64>);

impl Progress for Drawn<'_> {
    fn event(&self, event: &Event) {
        if let Event::TableAdvanced { stage: "sample", table, done } = event
            && table == self.0
        {
            *self.1.lock().unwrap() += done;
        }
    }
}

fn generated(model: &Model, shard: Shard, progress: &dyn Progress) -> Heard {
    let mut heard = Heard::default();
    let rows = vec![None; model.schema.tables.len()];
    let options = SampleOptions { block_rows: 500, shard, ..SampleOptions::new(Seed(3), &rows) };
    sample(model, options, &mut heard, progress).unwrap();
    heard
}

#[test]
fn shards_together_hand_out_every_row_once_and_share_the_work() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chinook.dbsynth");
    let source = format!("sqlite:{}/fixtures/chinook.sqlite", env!("CARGO_MANIFEST_DIR"));
    dbsynth(&["train", &source, "-o", path.to_str().unwrap(), "--time-budget", "5s"]).exits(0);
    let model = model_file::load(&path).unwrap();

    let whole = generated(&model, Shard::WHOLE, &Silent).0;
    let rows = |heard: &BTreeMap<(TableId, u64), TableData>| -> usize {
        heard.values().map(|rows| rows.row_count).sum()
    };
    let mut together = BTreeMap::new();
    let mut drawn = Vec::new();
    for index in 0..3 {
        // A table that nobody reads.
        let listener = Drawn("playlist_track", Mutex::new(0));
        let part = generated(&model, Shard::new(index, 3).unwrap(), &listener).0;
        drawn.push(*listener.1.lock().unwrap() as usize);
        for (piece, rows) in part {
            assert!(together.insert(piece, rows).is_none(), "{piece:?} came from two shards");
        }
    }

    assert_eq!(rows(&together), rows(&whole));
    for (piece, rows) in &whole {
        let same = &together[piece];
        assert_eq!((same.row_count, &same.columns), (rows.row_count, &rows.columns));
        assert_eq!(same.arrays, rows.arrays, "{piece:?}");
    }
    let find = |name: &str| model.schema.iter().find(|(_, table)| table.name.name == name).unwrap().0;
    let tracks = find("playlist_track");
    let all: usize = whole.iter().filter(|((id, _), _)| *id == tracks).map(|(_, rows)| rows.row_count).sum();
    assert_eq!(drawn.iter().sum::<usize>(), all, "no row of it is drawn twice: {drawn:?}");
    // One playlist holds most of them, and families stay whole.
    assert!(drawn.iter().all(|rows| (1..all / 2).contains(rows)), "the work is shared: {drawn:?}");
}

/// A model of a small database, and arguments that generate enough rows for several pieces.
fn trained(engine: Engine, name: &str, folder: &Path) -> String {
    let source = fixtures::household(engine, name);
    let model = folder.join("household.dbsynth");
    let model = model.to_str().unwrap().to_owned();
    dbsynth(&["train", source.text(), "-o", &model, "--time-budget", "4s", "--audit", "off"]).exits(0);
    model
}

const AMOUNT: [&str; 4] = ["--scale", "40", "--seed", "9"];

fn shards_write_what_one_process_writes(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("shards_{engine:?}_{end}").to_lowercase();
    let folder = tempfile::tempdir().unwrap();
    let model = trained(engine, &name("source"), folder.path());
    let (one, many) = (Scratch::new(engine, &name("one")), Scratch::new(engine, &name("many")));
    dbsynth(&[&["generate", &model, one.text()], &AMOUNT[..]].concat()).exits(0);
    let parts = folder.path().join("meeting");
    let parts = parts.to_str().unwrap();
    let shard = |which: &str| {
        let arguments = ["generate", &model, many.text(), "--shard", which, "--parts", parts, "--json"];
        dbsynth(&[&arguments[..], &AMOUNT[..]].concat()).exits(0).json()
    };

    // Zero is another name of the last one.
    let first = shard("0/3");
    let second = shard("1/3");
    let again = shard("1/3");
    let file = many.url().sqlite_path();
    let nothing = file.map_or_else(|| contents(&many.url()).is_empty(), |file| !file.exists());
    assert!(nothing, "nothing is written before all are there");
    let last = shard("2/3");

    assert_eq!((first["shard"].as_u64(), first["missing"].to_string()), (Some(3), "[1,2]".to_owned()));
    assert_eq!(second["missing"].to_string(), "[2]");
    assert!(second["rows"].as_u64().unwrap() > 0, "{second}");
    assert!(again.get("rows").is_none(), "a share that is there is not drawn again: {again}");
    assert_eq!(last["proof"]["violations"].as_u64().unwrap_or(0), 0, "{last}");
    assert_eq!(contents(&many.url()), contents(&one.url()));
    assert!(!Path::new(parts).exists(), "the parts are removed");
    nothing_is_left_beside(engine, &many);
    dbsynth(&["verify", many.text()]).exits(0);
}

#[test]
fn shards_write_what_one_process_writes_on_sqlite() {
    shards_write_what_one_process_writes(Engine::Sqlite);
}

#[test]
fn shards_write_what_one_process_writes_on_postgres() {
    shards_write_what_one_process_writes(Engine::Postgres);
}

#[test]
fn shards_write_what_one_process_writes_on_mysql() {
    shards_write_what_one_process_writes(Engine::MySql);
}

#[test]
fn of_shards_that_run_at_once_one_writes_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let model = trained(Engine::Sqlite, "shards_at_once", folder.path());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for format in ["parquet", "csv", "sql"] {
        let (one, many) = (path(&format!("one-{format}")), path(&format!("many-{format}")));
        dbsynth(&[&["generate", &model, &one, "--format", format], &AMOUNT[..]].concat()).exits(0);

        let start = |which: &str| {
            let arguments = ["generate", &model, &many, "--format", format, "--shard", which, "--json"];
            command(&[&arguments[..], &AMOUNT[..]].concat())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        };
        let running: Vec<_> = ["1/3", "2/3", "3/3"].into_iter().map(start).collect();
        let ended: Vec<_> = running.into_iter().map(|child| child.wait_with_output().unwrap()).collect();

        let wrote = |output: &&std::process::Output| {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap().get("shard").is_none()
        };
        assert_eq!(ended.iter().filter(wrote).count(), 1, "{format}: one process writes the folder");
        assert_eq!(files(Path::new(&many)), files(Path::new(&one)), "{format}");
        assert!(!Path::new(&format!("{model}.parts")).exists(), "the parts are removed");
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_shard_that_fails_is_started_again_and_the_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let model = trained(Engine::Sqlite, "shards_again", folder.path());
    let parts = format!("{model}.parts");
    let missing = folder.path().join("not-there-yet");
    let target = format!("sqlite:{}", missing.join("out.sqlite").display());
    let arguments = |which: &str| -> Vec<String> {
        ["generate", &model, &target, "--shard", which].map(str::to_owned).to_vec()
    };
    let run = |which: &str| dbsynth(&arguments(which).iter().map(String::as_str).collect::<Vec<_>>());

    fs::create_dir(&missing).unwrap();
    run("1/2").exits(0);
    let run_folder = fs::read_dir(&parts).unwrap().next().unwrap().unwrap().path();
    let table = fs::read_dir(run_folder.join("0001-of-0002"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|ending| ending == "rows"))
        .unwrap();
    let bytes = fs::read(&table).unwrap();
    fs::write(&table, &bytes[..bytes.len() - 5]).unwrap();
    let failed = run("2/2").exits(4);
    assert!(failed.stderr.contains("is cut short") && failed.stderr.contains("start that shard again"));
    assert!(!missing.join("out.sqlite").exists(), "the target is as it was");

    fs::remove_dir_all(run_folder.join("0001-of-0002")).unwrap();
    run("1/2").exits(0);
    dbsynth(&["verify", &target]).exits(0);
    assert!(missing.join("out.sqlite").exists() && !Path::new(&parts).exists());
}

#[test]
fn a_shard_that_does_not_exist_is_refused() {
    let refused = dbsynth(&["generate", "m.dbsynth", "sqlite:x.db", "--shard", "5/4"]).exits(2);
    assert!(refused.stderr.contains("of 4 shards there is no 5-th"), "{}", refused.stderr);
    dbsynth(&["generate", "m.dbsynth", "sqlite:x.db", "--parts", "p"]).exits(2);
}
