//! Every script of `fixtures/schemas` is cloned, proved and compared, on the engines its folder names:
//! `postgres`, `mysql` (MySQL and MariaDB), `mysql_only`, `mariadb`, `sqlite`.
//!
//! A script holds DDL and rows. Statements end with `;` at a line's end; one that holds such an end itself is
//! fenced by the lines `-- begin` and `-- end`. A line `-- allows: code` among its first comments names a finding
//! that is to be expected. `DBSYNTH_TEST_SCHEMA=name` runs one script alone. A line `-- needs: extension` leaves a
//! script out, with a message, where the server does not have that extension.

#![expect(clippy::print_stderr, reason = "a skip must be seen")]

use std::{fmt::Write, fs, path::Path};

use crate::support::{Engine, Scratch, engines, faults};

#[test]
fn every_schema_of_postgres_is_cloned() {
    every(Engine::Postgres, &["postgres"]);
}

#[test]
fn every_schema_of_mysql_is_cloned() {
    if !engines().contains(&Engine::MySql) {
        return;
    }
    let version = Scratch::new(Engine::MySql, "schemas_version").text_of("SELECT VERSION()");
    let own = if version.contains("MariaDB") { "mariadb" } else { "mysql_only" };
    every(Engine::MySql, &["mysql", own]);
}

#[test]
fn every_schema_of_sqlite_is_cloned() {
    every(Engine::Sqlite, &["sqlite"]);
}

/// Clones every script of the folders; all of them, before it fails for any.
fn every(engine: Engine, folders: &[&str]) {
    if !engines().contains(&engine) {
        return;
    }
    let chosen = std::env::var("DBSYNTH_TEST_SCHEMA").ok();
    let mut failures = String::new();
    let mut tried = 0;
    for folder in folders {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schemas").join(folder);
        let Ok(entries) = fs::read_dir(path) else { continue };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "sql")) {
            let name = file.file_stem().unwrap().to_str().unwrap();
            if chosen.as_ref().is_some_and(|chosen| chosen != name) {
                continue;
            }
            tried += 1;
            for fault in faults_of(engine, folder, name, &fs::read_to_string(file).unwrap()) {
                let _ = writeln!(failures, "{folder}/{name}: {fault}");
            }
        }
    }
    assert!(tried > 0 || chosen.is_some(), "no script in {folders:?}");
    assert!(failures.is_empty(), "{failures}");
}

fn faults_of(engine: Engine, folder: &str, name: &str, script: &str) -> Vec<String> {
    let source = Scratch::new(engine, &format!("{folder}_{name}"));
    for needed in script.lines().filter_map(|line| line.strip_prefix("-- needs:")) {
        let needed = needed.trim();
        let has = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{needed}'");
        if source.number(&has) == 0 {
            eprintln!("SKIPPED {folder}/{name}: the server does not have the extension {needed}");
            return Vec::new();
        }
    }
    let allowed: Vec<&str> = script
        .lines()
        .take_while(|line| line.starts_with("--"))
        .filter_map(|line| line.strip_prefix("-- allows:").map(str::trim))
        .collect();
    source.run_each(statements(script).iter().map(String::as_str));
    let target = Scratch::new(engine, &format!("{folder}_{name}_target"));

    faults(&source, &target, &["--yes"], &allowed)
}

/// Splits a script at `;` line ends, outside of fences.
fn statements(script: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let (mut current, mut fenced) = (String::new(), false);
    for line in script.lines() {
        match line.trim() {
            "-- begin" => fenced = true,
            "-- end" => {
                fenced = false;
                statements.push(std::mem::take(&mut current));
            }
            comment if !fenced && comment.starts_with("--") => {}
            text => {
                current.push_str(line);
                current.push('\n');
                if !fenced && text.ends_with(';') {
                    statements.push(std::mem::take(&mut current));
                }
            }
        }
    }
    statements.push(current);
    statements.retain(|statement| !statement.trim().is_empty());
    statements
}

#[test]
fn a_fenced_statement_keeps_its_semicolons() {
    let script =
        "-- a note;\nSELECT 1;\nSELECT\n2;\n-- begin\nCREATE x AS\n  a;\n  b;\nEND\n-- end\nSELECT 3";

    assert_eq!(
        statements(script),
        ["SELECT 1;\n", "SELECT\n2;\n", "CREATE x AS\n  a;\n  b;\nEND\n", "SELECT 3\n"]
    );
}
