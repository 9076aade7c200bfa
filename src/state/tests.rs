use std::{fs, path::Path};

use super::{Ends, RunState};
use crate::{
    codec::{EncodedTable, SubColumn},
    conditioning::Conditioning,
    config::{Config, StateFolder},
    data::Families,
    generator::TrainingSet,
    model::{Keeper, Lesson, Networks},
    seed::Seed,
};

fn config(root: &Path, resume: bool) -> Config {
    Config { state: StateFolder::At(root.to_owned()), resume, ..Config::default() }
}

fn run(config: &Config) -> RunState {
    let ends = Ends { source: "sqlite:/a".to_owned(), target: "sqlite:/b".to_owned() };
    let state = RunState::look(ends, config);
    state.begin();
    state.expect(2);
    state
}

fn orders(tokens: &[u16]) -> TrainingSet {
    let mut rows = EncodedTable::empty(tokens.len());
    let column = SubColumn {
        name: "total".to_owned(),
        size: 9,
        scalars: Vec::new(),
        counts_children: false,
        one_hot: true,
    };
    rows.push(column, tokens.to_vec());
    let families = Families::singletons(tokens.len());
    let conditioning = Conditioning::free(families);
    TrainingSet { name: "orders".to_owned(), rows, conditioning }
}

fn name(state: &RunState, tokens: &[u16]) -> String {
    let set = orders(tokens);
    state.name(Lesson { table: "orders", links: None, rows: Some(&set) }).unwrap()
}

/// A run that learns the table and dies.
fn died(root: &Path, tokens: &[u16]) {
    let state = run(&config(root, false));
    let name = name(&state, tokens);
    assert!(state.recall("orders", &name).is_none());
    state.keep("orders", &name, &Networks { seconds: 7.0, ..Networks::default() });
}

fn codes(state: &RunState) -> Vec<String> {
    state.findings().into_iter().map(|finding| finding.code).collect()
}

fn only_folder(root: &Path) -> std::path::PathBuf {
    let mut folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let folder = folders.next().unwrap();
    assert!(folders.next().is_none());
    folder
}

#[test]
fn what_was_learned_is_taken_up_from_the_same_rows_only() {
    let root = tempfile::tempdir().unwrap();
    died(root.path(), &[1, 2, 3]);

    let state = run(&config(root.path(), true));
    let left = state.unfinished().unwrap();
    assert_eq!((left.learned, left.tables, left.complete, left.taken_up), (1, 2, false, true));
    let same = name(&state, &[1, 2, 3]);
    assert_eq!(state.recall("orders", &same).unwrap().seconds, 7.0);
    assert_eq!(codes(&state), ["resumed"]);
    let other = name(&state, &[1, 2, 4]);
    assert!(state.recall("orders", &other).is_none());
    assert!(codes(&state).contains(&"learned-again".to_owned()));
}

#[test]
fn nothing_is_taken_up_unasked_or_under_other_settings() {
    let root = tempfile::tempdir().unwrap();
    died(root.path(), &[1, 2, 3]);

    let unasked = run(&config(root.path(), false));
    assert!(unasked.unfinished().is_some_and(|left| !left.taken_up));
    assert!(unasked.recall("orders", &name(&unasked, &[1, 2, 3])).is_none());
    drop(unasked);
    let other = run(&Config { seed: Seed(7), ..config(root.path(), true) });
    assert!(other.recall("orders", &name(&other, &[1, 2, 3])).is_none());
    assert_eq!(codes(&other), ["learned-again"]);
    drop(other);
    let of_no_matter = run(&Config { threads: Some(3), scale: 0.5, ..config(root.path(), true) });
    assert!(of_no_matter.recall("orders", &name(&of_no_matter, &[1, 2, 3])).is_some());
}

#[test]
fn damaged_files_are_learned_again() {
    let root = tempfile::tempdir().unwrap();
    for damage in ["cut", "changed", "gone"] {
        died(root.path(), &[1, 2, 3]);
        let folder = only_folder(root.path());
        let file = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let file = file.into_iter().find(|path| path.extension().is_some_and(|end| end == "table")).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        match damage {
            "cut" => fs::write(&file, &bytes[..bytes.len() / 2]).unwrap(),
            "changed" => {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                fs::write(&file, bytes).unwrap();
            }
            _ => fs::remove_file(&file).unwrap(),
        }

        let state = run(&config(root.path(), true));
        assert!(state.recall("orders", &name(&state, &[1, 2, 3])).is_none(), "{damage}");
        assert_eq!(codes(&state), ["state-damaged"], "{damage}");
        state.remove();
    }
    died(root.path(), &[1, 2, 3]);
    fs::write(only_folder(root.path()).join("run.json"), b"{").unwrap();
    let state = run(&config(root.path(), true));
    assert!(state.unfinished().is_none());
    assert_eq!(codes(&state), ["state-damaged"]);
}

#[test]
fn a_run_that_is_done_or_has_learned_nothing_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    died(root.path(), &[1, 2, 3]);
    run(&config(root.path(), true)).remove();
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

    drop(run(&config(root.path(), true)));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
}

#[test]
fn two_runs_at_once_do_not_share_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let first = run(&config(root.path(), false));
    first.keep("orders", &name(&first, &[1, 2, 3]), &Networks::default());

    let second = run(&config(root.path(), true));
    assert_eq!(codes(&second), ["state-in-use"]);
    let set = orders(&[1, 2, 3]);
    assert!(second.name(Lesson { table: "orders", links: None, rows: Some(&set) }).is_none());
    second.remove();
    drop(second);
    assert!(only_folder(root.path()).join("run.json").exists());
}

#[test]
fn a_folder_that_cannot_be_written_stops_no_run() {
    let root = tempfile::NamedTempFile::new().unwrap();
    let state = run(&config(root.path(), false));

    assert_eq!(codes(&state), ["state-not-kept"]);
    state.remove();

    let nowhere = run(&Config { resume: true, ..Config::default() });
    assert_eq!(codes(&nowhere), ["no-state-folder"]);
}

#[cfg(unix)]
#[test]
fn what_is_kept_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;

    let root = tempfile::tempdir().unwrap();
    died(root.path(), &[1, 2, 3]);

    let folder = only_folder(root.path());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for entry in fs::read_dir(&folder).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
