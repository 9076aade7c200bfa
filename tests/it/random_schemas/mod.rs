//! Schemas made at random (types × constraints × graphs of foreign keys) are cloned, and every constraint holds.
//!
//! `DBSYNTH_TEST_SCHEMAS=2000` tries that many in all instead of 200; `DBSYNTH_TEST_SCHEMA_SEED=17` tries one and
//! prints its script; `DBSYNTH_TEST_SCHEMAS_FROM=2000` begins at another seed than 0. A failure names its seed.

mod draft;
mod features;
mod links;

use std::fmt::Write;

use draft::Draft;

use crate::support::{Engine, Scratch, engines, faults};

/// Tests of one engine that run side by side.
const SHARES: u64 = 2;

/// Engines that share the schemas.
const ENGINES: u64 = 3;

/// Clones every `SHARES`th schema of an engine, from `share`.
#[expect(clippy::print_stderr, reason = "what is asked for by its seed, and what fails, is to be seen")]
fn share(engine: Engine, share: u64) {
    if !engines().contains(&engine) {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let one = number("DBSYNTH_TEST_SCHEMA_SEED");
    let count = number("DBSYNTH_TEST_SCHEMAS").unwrap_or(200).div_ceil(ENGINES);
    let from = number("DBSYNTH_TEST_SCHEMAS_FROM").unwrap_or(0);
    let seeds = one.map_or(from..from + count, |seed| seed..seed + 1).filter(|seed| seed % SHARES == share);
    let mut failures = String::new();
    for seed in seeds {
        let statements = Draft::new(engine, seed).statements();
        if one.is_some() {
            eprintln!("{};", statements.join(";\n"));
        }
        let name = format!("random_{engine:?}_{seed}").to_lowercase();
        let source = Scratch::new(engine, &name);
        source.run_each(statements.iter().map(String::as_str));
        let target = Scratch::new(engine, &format!("{name}_target"));
        // The networks have nothing to do with constraints: a few rows would only keep them busy.
        for fault in faults(&source, &target, &["--yes", "--generator", "independent"], &[]) {
            // At once as well: thousands of schemas take a while.
            eprintln!("{engine:?} seed {seed}: {fault}");
            let _ = writeln!(failures, "{engine:?} seed {seed}: {fault}");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn random_schemas_are_cloned_on_postgres() {
    share(Engine::Postgres, 0);
}

#[test]
fn more_random_schemas_are_cloned_on_postgres() {
    share(Engine::Postgres, 1);
}

#[test]
fn random_schemas_are_cloned_on_mysql() {
    share(Engine::MySql, 0);
}

#[test]
fn more_random_schemas_are_cloned_on_mysql() {
    share(Engine::MySql, 1);
}

#[test]
fn random_schemas_are_cloned_on_sqlite() {
    share(Engine::Sqlite, 0);
}

#[test]
fn more_random_schemas_are_cloned_on_sqlite() {
    share(Engine::Sqlite, 1);
}

#[test]
fn a_seed_is_a_schema() {
    let script = |seed| Draft::new(Engine::Sqlite, seed).statements();

    assert_eq!(script(5), script(5));
    assert_ne!(script(5), script(6));
}
