//! Every script of `fixtures/schemas` is cloned, proved and compared, on the engines its folder names:
//! `postgres`, `mysql` (MySQL and MariaDB), `mysql_only`, `mariadb`, `sqlite`.
//!
//! A script holds DDL and rows. Statements end with `;` at a line's end; one that holds such an end itself is
//! fenced by the lines `-- begin` and `-- end`. A line `-- allows: code` among its first comments names a finding
//! that is to be expected; a line `-- needs: extension` or `-- requires: 9.1` leaves a script out, with a message, where
//! the server does not have that extension or is older. `DBSYNTH_TEST_SCHEMA=name` runs one script alone.

use std::{fmt::Write, fs, path::Path};

use crate::support::{Engine, Scratch, engines, faults, skipped};

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
    let allowed = announced(script, "-- allows:");
    let source = Scratch::new(engine, &format!("{folder}_{name}"));
    for needed in announced(script, "-- needs:") {
        let has = format!("SELECT count(*) FROM pg_available_extensions WHERE name = '{needed}'");
        if source.number(&has) == 0 {
            skipped(&format!("{folder}/{name}: the server does not have the extension {needed}"));
            return Vec::new();
        }
    }
    let required = announced(script, "-- requires:").into_iter().map(version).max();
    if let Some(required) = required {
        let own = source.text_of(match engine {
            Engine::Sqlite => "SELECT sqlite_version()",
            Engine::Postgres => "SHOW server_version",
            Engine::MySql => "SELECT VERSION()",
        });
        if version(&own) < required {
            skipped(&format!("{folder}/{name} needs a server of version {required:?}, this one is {own}"));
            return Vec::new();
        }
    }
    source.run_each(statements(script).iter().map(String::as_str));
    let target = Scratch::new(engine, &format!("{folder}_{name}_target"));

    faults(&source, &target, &["--yes"], &allowed)
}

/// What the lines of this kind among the first comments of a script say.
fn announced<'a>(script: &'a str, kind: &str) -> Vec<&'a str> {
    script
        .lines()
        .take_while(|line| line.starts_with("--"))
        .filter_map(|line| line.strip_prefix(kind).map(str::trim))
        .collect()
}

/// The first numbers of a version: `9.7.4-2` is 9, 7, 4.
fn version(text: &str) -> Vec<u32> {
    let number = text.split(|c: char| c != '.' && !c.is_ascii_digit()).next().unwrap_or_default();
    number.split('.').filter_map(|part| part.parse().ok()).collect()
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

#[test]
fn a_script_says_which_server_it_needs() {
    let script = "-- A note.\n-- requires: 9.1\n-- allows: zero-date\nSELECT 1;\n-- requires: 99";

    assert_eq!(announced(script, "-- requires:"), ["9.1"]);
    assert!(version("9.7.4-2") > version("9.1"));
    assert!(version("8.0.36-0ubuntu0.22.04.1") < version("9.1"));
    assert!(version("15.4 (Debian 15.4-1)") < version("16"));
}
