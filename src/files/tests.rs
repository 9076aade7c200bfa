//! What a folder of files keeps safe.

use std::fs;

use super::{FilesError, Folder, MANIFEST, Manifest, ManifestFile, ModelFacts};
use crate::{
    config::{FileFormat, SchemaMode},
    schema::DialectName,
};

fn manifest(files: &[&str]) -> String {
    let files = files.iter().map(|name| ManifestFile { name: (*name).to_owned(), bytes: 1 }).collect();
    Manifest {
        manifest: Manifest::form(),
        dbsynth: "0".to_owned(),
        format: FileFormat::Csv,
        engine: DialectName::Sqlite,
        seed: 1,
        scale: 1.0,
        model: ModelFacts { dbsynth: "0".to_owned(), seed: 1, fingerprint: String::new() },
        tables: Vec::new(),
        files,
        findings: Vec::new(),
    }
    .text()
}

#[test]
fn a_folder_is_dbsynths_own_only_if_its_manifest_names_every_file() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("out");
    fs::create_dir(&path).unwrap();
    assert_eq!(Folder::open(&path).unwrap().admit(SchemaMode::Swap).unwrap(), Vec::<String>::new());

    fs::write(path.join("a.csv"), "a").unwrap();
    let refused = Folder::open(&path).unwrap().admit(SchemaMode::Swap);
    assert!(matches!(refused, Err(FilesError::Strangers { names, .. }) if names == ["a.csv"]));

    fs::write(path.join(MANIFEST), manifest(&["a.csv"])).unwrap();
    assert_eq!(Folder::open(&path).unwrap().admit(SchemaMode::Swap).unwrap(), ["a.csv", MANIFEST]);

    assert!(matches!(
        Folder::open(&path).unwrap().admit(SchemaMode::Create),
        Err(FilesError::Refused { .. })
    ));

    fs::write(path.join("notes.txt"), "mine").unwrap();
    assert!(Folder::open(&path).unwrap().admit(SchemaMode::Swap).is_err());
    assert!(Folder::open(&path).unwrap().admit(SchemaMode::Replace).is_ok());

    fs::create_dir(path.join(".git")).unwrap();
    assert!(matches!(
        Folder::open(&path).unwrap().admit(SchemaMode::Replace),
        Err(FilesError::Refused { .. })
    ));
}

#[test]
fn the_old_folder_stays_until_the_new_one_is_whole_and_nothing_is_left_beside() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("out");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("old"), "yesterday").unwrap();

    let mut failed = Folder::open(&path).unwrap();
    failed.begin().unwrap();
    failed.write("new", "half").unwrap();
    drop(failed);
    assert_eq!(fs::read_to_string(path.join("old")).unwrap(), "yesterday");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);

    let mut whole = Folder::open(&path).unwrap();
    whole.begin().unwrap();
    whole.write("new", "today").unwrap();
    whole.commit().unwrap();
    assert_eq!(fs::read_to_string(path.join("new")).unwrap(), "today");
    assert!(!path.join("old").exists());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_second_run_keeps_away_and_what_a_killed_one_left_is_in_nobodys_way() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("out");
    let mut first = Folder::open(&path).unwrap();
    first.begin().unwrap();

    let refused = Folder::open(&path).unwrap().begin();
    assert!(matches!(refused, Err(FilesError::Refused { reason, .. }) if reason.contains("another run")));
    drop(first);

    fs::create_dir(home.path().join("out.dbsynth-part")).unwrap();
    fs::write(home.path().join("out.dbsynth-part/half"), "").unwrap();
    let mut next = Folder::open(&path).unwrap();
    next.begin().unwrap();
    assert!(!next.file("half").exists());
}

#[test]
fn an_exchange_that_stopped_half_way_is_undone() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("out.dbsynth-old")).unwrap();
    fs::write(home.path().join("out.dbsynth-old/rows"), "yesterday").unwrap();

    let folder = Folder::open(&home.path().join("out")).unwrap();

    assert_eq!(fs::read_to_string(folder.path().join("rows")).unwrap(), "yesterday");
}

#[test]
fn a_file_and_the_folder_one_stands_in_are_no_targets() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();

    assert!(matches!(Folder::open(&home.path().join("file")), Err(FilesError::Refused { .. })));
    assert!(matches!(Folder::open(std::path::Path::new(".")), Err(FilesError::Refused { .. })));
    assert!(matches!(Folder::open(&home.path().join("no/out")), Err(FilesError::System { .. })));
}
