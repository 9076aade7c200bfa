//! A run that dies at any moment: the target holds yesterday's copy or today's, whole, and the next run succeeds.
//!
//! The moments are told by what the run prints; around the last step, where the copies are exchanged, it is struck
//! after more and more milliseconds.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command},
    time::{Duration, Instant},
};

use crate::{
    fixtures::Script,
    support::{Engine, Scratch, contents, dbsynth, engines, nothing_is_left_beside, start},
};

/// How long a struck run may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a blow is tried that must come before the run is over.
const ATTEMPTS: usize = 10;

/// What hits a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    /// SIGKILL: no code of the run's own runs any more.
    Kill,
    /// SIGTERM, as a scheduler sends it.
    Terminate,
    /// The server ends its connections.
    Disconnect,
    /// The server stops what it is doing for them, as it does when a statement takes too long: the run sets its own
    /// time limits over those of role and database, so they cannot be made short from outside.
    Cancel,
}

/// When it hits: at the first line that begins so, and so many milliseconds later.
type Moment = (&'static str, u64);

const MOMENTS: [Moment; 11] = [
    ("snapshot", 0),
    ("train", 0),
    ("sample shop", 0),
    ("sample sale", 0),
    ("constraints", 0),
    ("verify", 0),
    ("verify", 5),
    ("verify", 10),
    ("verify", 20),
    ("verify", 40),
    ("verify", 80),
];

fn shop(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add("CREATE TABLE shop (id INTEGER PRIMARY KEY, size INTEGER NOT NULL CHECK (size >= 0))");
    script.rows("shop", 40, |id| format!("{id}, {}", id % 4));
    script.add(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, cents INTEGER NOT NULL, \
         FOREIGN KEY (shop_id) REFERENCES shop (id))",
    );
    script.rows("sale", 400, |id| format!("{id}, {}, {}", 1 + id % 40, id * 7 % 50));
    script.add("CREATE INDEX sale_cents ON sale (cents)");
    script.add("CREATE VIEW large AS SELECT id FROM sale WHERE cents > 40");
    script.database(name)
}

/// Strikes the run; false if it was over already.
fn strike(blow: Blow, engine: Engine, run: &mut Child, administrator: &Scratch, databases: &str) -> bool {
    if run.try_wait().unwrap().is_some() {
        return false;
    }
    let signal = |name: &str| {
        Command::new("kill").args([name, &run.id().to_string()]).status().unwrap();
    };
    match (blow, engine) {
        (Blow::Kill, _) => signal("-KILL"),
        (Blow::Terminate, _) | (Blow::Disconnect | Blow::Cancel, Engine::Sqlite) => signal("-TERM"),
        (Blow::Disconnect | Blow::Cancel, Engine::Postgres) => {
            let what = if blow == Blow::Cancel { "cancel" } else { "terminate" };
            administrator.number(&format!(
                "SELECT count(pg_{what}_backend(pid)) FROM pg_stat_activity \
                 WHERE datname LIKE '{databases}' AND pid <> pg_backend_pid()"
            ));
        }
        (Blow::Disconnect | Blow::Cancel, Engine::MySql) => {
            let what = if blow == Blow::Cancel { "QUERY" } else { "CONNECTION" };
            administrator.kill_each(
                what,
                &administrator.text_of(&format!(
                    "SELECT COALESCE(GROUP_CONCAT(id), '') FROM information_schema.processlist \
                 WHERE db LIKE '{databases}' AND id <> CONNECTION_ID()"
                )),
            );
        }
    }
    true
}

/// Waits for the end of a run and gives its exit code, if it has one.
fn end(run: &mut Child) -> Option<i32> {
    let started = Instant::now();
    loop {
        if let Some(status) = run.try_wait().unwrap() {
            return status.code();
        }
        if started.elapsed() > PATIENCE {
            let _ = run.kill();
            panic!("the run hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits until the server, too, has noticed: it ends a statement whose client is gone.
fn settle(engine: Engine, administrator: &Scratch, databases: &str) {
    let connections = match engine {
        Engine::Sqlite => return,
        Engine::Postgres => "pg_stat_activity WHERE datname",
        Engine::MySql => "information_schema.processlist WHERE db",
    };
    let started = Instant::now();
    while administrator.number(&format!("SELECT count(*) FROM {connections} LIKE '{databases}'")) > 0 {
        assert!(started.elapsed() < PATIENCE, "connections stay open");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Strikes a run at every moment.
fn survives(engine: Engine, blows: &[Blow]) {
    if !engines().contains(&engine) {
        return;
    }
    let named = |end: &str| format!("failures_{engine:?}_{end}").to_lowercase();
    let source = shop(engine, &named("source"));
    let today = Scratch::new(engine, &named("today"));
    let target = Scratch::new(engine, &named("target"));
    // Outside the databases of the run, so that striking them leaves it alone.
    let administrator = Scratch::new(engine, &format!("striker_{engine:?}").to_lowercase());
    let clone = |target: &Scratch, seed: &'static str| {
        let run = ["clone", source.text(), target.text(), "--seed", seed, "--generator", "independent"];
        run.map(str::to_owned)
    };
    let whole = |target: &Scratch, seed: &'static str| {
        let run = clone(target, seed);
        dbsynth(&run.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    };
    whole(&target, "1");
    whole(&today, "2");
    let (original, yesterdays) = (contents(&source.url()), contents(&target.url()));
    let todays = contents(&today.url());
    assert_ne!(yesterdays, todays);

    let databases = format!("it\\_{}%", named("").trim_end_matches('_').replace('_', "\\_"));
    let (mut struck, mut kept) = (0, 0);
    for (blow, (line, delay)) in blows.iter().flat_map(|blow| MOMENTS.map(|moment| (blow, moment))) {
        // On a busy machine a blow may come when the run is over; then it is struck once more.
        for attempt in 1..=ATTEMPTS {
            let at = format!("{engine:?}, {blow:?} {delay} ms after {line}, attempt {attempt}");
            let arguments = clone(&target, "2");
            let mut run = start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
            let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
            assert!(lines.any(|printed| printed.starts_with(line)), "{at}: never printed");
            std::thread::sleep(Duration::from_millis(delay));
            let hit = strike(*blow, engine, &mut run, &administrator, &databases);
            let said: Vec<String> = lines.collect();
            let code = end(&mut run);

            if *blow != Blow::Kill {
                // A blow that comes after the exchange may go unnoticed.
                assert!(matches!(code, Some(0 | 3 | 4 | 130)), "{at}: {code:?} {said:?}");
            }
            settle(engine, &administrator, &databases);
            let left = contents(&target.url());
            target.number("SELECT count(*) FROM large");
            assert!(left == yesterdays || left == todays, "{at}: {code:?} {said:?}");
            assert!(code != Some(0) || left == todays, "{at}: done, and yesterday's copy is there");
            assert_eq!(contents(&source.url()), original, "{at}");
            if left == todays {
                whole(&target, "1");
            }
            let in_time = left == yesterdays;
            // A statement that is not running cannot be stopped, and around the exchange either copy is right.
            if in_time || *blow == Blow::Cancel || delay > 0 || attempt == ATTEMPTS {
                struck += usize::from(hit);
                kept += usize::from(in_time);
                break;
            }
        }
    }
    // Most blows came in time, or nothing was tested. A statement that is not running cannot be stopped.
    let sure = blows.iter().filter(|blow| **blow != Blow::Cancel).count();
    assert!(struck > blows.len() * 5 && kept > sure * 4, "{struck} struck, {kept} kept");
    whole(&target, "2");
    assert_eq!(contents(&target.url()), todays);
    nothing_is_left_beside(engine, &target);
}

#[test]
fn readers_of_the_old_copy_need_not_wait_for_the_new_one() {
    for engine in engines() {
        let source = shop(engine, &format!("readers_{engine:?}_source").to_lowercase());
        let target = Scratch::new(engine, &format!("readers_{engine:?}_target").to_lowercase());
        dbsynth(&["clone", source.text(), target.text(), "--seed", "1", "--rows", "sale=50"]).exits(0);

        let mut run = start(&["clone", source.text(), target.text(), "--seed", "2", "--rows", "sale=30000"]);
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("sample sale")), "{engine:?}");
        if engine == Engine::Postgres {
            target.run(
                "SET lock_timeout = '100ms';\nSELECT count(*) FROM sale;\nSELECT count(*) FROM large;\n",
            );
        }
        let (sales, done) = (target.number("SELECT count(*) FROM sale"), run.try_wait().unwrap());
        let said: Vec<String> = lines.collect();

        assert_eq!(end(&mut run), Some(0), "{engine:?}: {said:?}");
        // What was read while the run went on is yesterday's.
        assert!(sales == 50 || done.is_some(), "{engine:?}: {sales} rows");
        assert_eq!(target.number("SELECT count(*) FROM sale"), 30_000);
    }
}

#[test]
fn a_run_that_dies_leaves_a_whole_copy_on_postgres() {
    survives(Engine::Postgres, &[Blow::Kill, Blow::Terminate, Blow::Disconnect, Blow::Cancel]);
}

#[test]
fn a_run_that_dies_leaves_a_whole_copy_on_mysql() {
    survives(Engine::MySql, &[Blow::Kill, Blow::Terminate, Blow::Disconnect, Blow::Cancel]);
}

#[test]
fn a_run_that_dies_leaves_a_whole_copy_on_sqlite() {
    survives(Engine::Sqlite, &[Blow::Kill, Blow::Terminate]);
}
