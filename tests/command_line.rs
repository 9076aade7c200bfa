//! The binary as a shell sees it: exit codes, and what goes to stdout.

use std::{
    path::Path,
    process::{Command, Output},
};

fn dbsynth(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dbsynth"))
        .args(arguments)
        .current_dir(directory)
        .env_remove("CANDLE_NUM_THREADS")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn mistakes_exit_with_2_and_leave_stdout_empty() {
    let directory = tempfile::tempdir().unwrap();

    for arguments in [
        &["clone", "prod"][..],
        &["clone", "prod", "staging"],
        &["plan", "oracle://db/shop"],
        &["plan", "sqlite:a.db", "--config", "missing.toml"],
        &["clone", "sqlite:a.db", "sqlite:b.db", "--scale", "-1"],
        &["clone", "sqlite:a.db", "sqlite:b.db", "--rows", "orders"],
        &["plan", "sqlite:a.db", "--json", "--mermaid"],
    ] {
        let output = dbsynth(directory.path(), arguments);

        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && text(&output.stderr).starts_with("error: "), "{arguments:?}");
    }
}

#[test]
fn a_target_elsewhere_is_refused_with_5() {
    let directory = tempfile::tempdir().unwrap();

    let output = dbsynth(directory.path(), &["clone", "sqlite:a.db", "mysql://u:s3cret@db.example/shop"]);

    assert_eq!(output.status.code(), Some(5));
    assert!(text(&output.stderr).contains("allow_write = true"));
    assert!(!text(&output.stderr).contains("s3cret"));
}

#[test]
fn a_broken_file_is_shown_with_its_line_and_init_still_overwrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("synth.toml"), "[clone]\nscael = 1\n").unwrap();

    let output = dbsynth(directory.path(), &["plan", "sqlite:a.db"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("synth.toml:2:1"), "{}", text(&output.stderr));

    std::fs::write(directory.path().join("synth.toml"), "[clone]\n").unwrap();
    let output = dbsynth(directory.path(), &["init", "sqlite:a.db"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--force"), "{}", text(&output.stderr));
}

#[test]
fn results_go_to_stdout() {
    let directory = tempfile::tempdir().unwrap();

    for (arguments, expected) in [
        (&["--help"][..], "Usage: dbsynth"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["completions", "zsh"], "#compdef dbsynth"),
        (&["man"], ".TH dbsynth 1"),
    ] {
        let output = dbsynth(directory.path(), arguments);

        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(text(&output.stdout).contains(expected) && output.stderr.is_empty(), "{arguments:?}");
    }
}
