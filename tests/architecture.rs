//! The rooms table of ARCHITECTURE.md, held against the sources: who imports whom, who may use which crate.

mod rooms;

use std::path::{Path, PathBuf};

use rooms::{Rooms, scan};

const MAIN_LINES: usize = 25;
const FILE_LINES: usize = 600;

/// Crates and macros with a home, and the rooms they live in.
const HOMES: &[(&[&str], &[&str])] = &[
    (&["sqlx", "tokio", "mysql_async", "futures_util"], &["db"]),
    (&["candle_core", "candle_nn"], &["nn", "conditioning", "structure", "generator"]),
    (&["print!", "println!", "eprint!", "eprintln!", "indicatif", "clap"], &["cli"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rooms() -> Rooms {
    Rooms::parse(&read(&root().join("ARCHITECTURE.md")))
}

/// Every source file as its path below `src`, for example `db/mod.rs`, with its text.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let base = root().join("src");
    let mut found = Vec::new();
    walk(&base, &mut found);
    found.sort();
    assert!(found.len() > 20, "the sources were not found");
    found.iter().map(|path| (path.strip_prefix(&base).unwrap().display().to_string(), read(path))).collect()
}

#[test]
fn the_table_lists_every_room_and_only_rooms() {
    let mut modules: Vec<String> = sources().iter().map(|(path, _)| scan::room_of(path).to_owned()).collect();
    modules.retain(|room| !matches!(room.as_str(), "lib" | "main"));
    modules.sort();
    modules.dedup();
    let mut listed = rooms().names();
    listed.sort();

    assert_eq!(listed, modules);
}

#[test]
fn rooms_import_only_rooms_above_them() {
    assert_eq!(rooms().upward_rows(), Vec::<String>::new());
}

#[test]
fn every_import_is_in_the_table() {
    let rooms = rooms();
    let violations: Vec<String> =
        sources().iter().flat_map(|(path, text)| rooms.violations(path, text)).collect();

    assert!(violations.is_empty(), "not in the table of ARCHITECTURE.md:\n{}", violations.join("\n"));
}

#[test]
fn crates_stay_in_their_rooms() {
    let violations: Vec<String> = sources()
        .iter()
        .flat_map(|(path, text)| {
            HOMES.iter().flat_map(move |(names, homes)| scan::strays(path, text, names, homes))
        })
        .collect();

    assert!(violations.is_empty(), "outside their rooms:\n{}", violations.join("\n"));
}

#[test]
fn files_stay_readable() {
    let too_long: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| !scan::is_unit_test(path))
        .map(|(path, text)| {
            (path, text.lines().count(), if path == "main.rs" { MAIN_LINES } else { FILE_LINES })
        })
        .filter(|(_, lines, most)| lines > most)
        .map(|(path, lines, most)| format!("{path}: {lines} lines, at most {most}"))
        .collect();

    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn the_architecture_document_stays_short() {
    assert!(read(&root().join("ARCHITECTURE.md")).lines().count() <= 150);
}
