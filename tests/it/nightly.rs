//! What a nightly refresh needs around the run: hooks, identities, modes of the target, drift, a harmless source, a log
//! for machines.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    fixtures::Script,
    support::{Engine, Scratch, contents, dbsynth, dbsynth_in, engines, nothing_is_left_beside, start},
};

fn shop(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add(
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE, size INTEGER NOT NULL, \
         share DOUBLE PRECISION)",
    );
    script.rows("shop", 40, |id| format!("{id}, 'shop {id}', {}, {id}.5", id % 4));
    script.add(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, cents INTEGER NOT NULL, \
         FOREIGN KEY (shop_id) REFERENCES shop (id))",
    );
    script.rows("sale", 200, |id| format!("{id}, {}, {}", 1 + id % 40, id * 7 % 50));
    script.database(name)
}

fn named(test: &str, engine: Engine, end: &str) -> String {
    format!("nightly_{test}_{engine:?}_{end}").to_lowercase()
}

/// A source, a target, and a folder with a synth.toml and files beside it.
fn scene(test: &str, engine: Engine, files: &[(&str, &str)]) -> (Scratch, Scratch, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    (
        shop(engine, &named(test, engine, "source")),
        Scratch::new(engine, &named(test, engine, "target")),
        folder,
    )
}

const QUICK: [&str; 2] = ["--generator", "independent"];

#[test]
fn hooks_run_in_and_after_the_load_and_their_work_is_there() {
    for engine in engines() {
        let (source, target, folder) = scene(
            "hooks",
            engine,
            &[
                (
                    "synth.toml",
                    "[hooks]\nbefore_load = [\"before.sql\"]\nafter_load = [{ sql = \"after.sql\" }, \
                     { command = \"printf '%s|' $DBSYNTH_HOOK $DBSYNTH_ENGINE > said; test -n \\\"$DBSYNTH_TARGET_URL\\\" && echo heard\" }]\n\
                     after_swap = [\"swap.sql\", { command = [\"touch\", \"swapped\"] }]\n",
                ),
                (
                    "before.sql",
                    "-- a table of our own; with a comment\nCREATE TABLE login (id INTEGER PRIMARY KEY, name VARCHAR(20));\n",
                ),
                (
                    "after.sql",
                    "INSERT INTO login VALUES (1, 'a;b');\nINSERT INTO login VALUES (2, 'c');\nUPDATE shop SET size = 77 WHERE size < 2;\n",
                ),
                ("swap.sql", "INSERT INTO login VALUES (3, 'd');\n"),
            ],
        );
        let clone = [&["clone", source.text(), target.text(), "--json"][..], &QUICK].concat();
        for _ in 0..2 {
            let run = dbsynth_in(folder.path(), &clone).exits(0);
            assert!(run.stderr.contains("heard"), "{}", run.stderr);
            let stages: Vec<_> = (run.json()["hooks"].as_array().unwrap().iter())
                .map(|hook| hook["stage"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(stages, ["before_load", "after_load", "after_load", "after_swap", "after_swap"]);
            // A nightly job under --strict may have hooks.
            let report = run.json();
            let differ = |finding: &&serde_json::Value| finding["code"] == "schema-differs";
            let findings: Vec<_> = report["findings"].as_array().unwrap().iter().filter(differ).collect();
            assert!(
                !findings.is_empty() && findings.iter().all(|one| one["severity"] == "note"),
                "{findings:?}"
            );
            assert!(run.json()["snapshot_age_seconds"].as_f64().unwrap() > 0.0);
            assert_eq!(target.number("SELECT count(*) FROM login"), 3, "{engine:?}");
            assert!(target.number("SELECT count(*) FROM shop WHERE size = 77") > 0);
            assert_eq!(target.number("SELECT count(*) FROM shop WHERE size < 2"), 0);
        }
        let said = fs::read_to_string(folder.path().join("said")).unwrap();
        assert_eq!(said, format!("after_load|{}|", format!("{engine:?}").to_lowercase()));
        assert!(folder.path().join("swapped").exists());
        assert_eq!(source.number("SELECT count(*) FROM shop WHERE size = 77"), 0);
    }
}

#[test]
fn a_failing_hook_names_file_and_line_and_leaves_yesterdays_copy() {
    for engine in engines() {
        let (source, target, folder) = scene(
            "failing",
            engine,
            &[("bad.sql", "-- fine until here\nUPDATE shop SET size = 5;\n\nUPDATE nowhere SET size = 6;\n")],
        );
        let clone = [&["clone", source.text(), target.text(), "--seed", "7"][..], &QUICK].concat();
        dbsynth(&[&["clone", source.text(), target.text()][..], &QUICK].concat()).exits(0);
        let yesterdays = contents(&target.url());

        let with =
            |hooks: &str| fs::write(folder.path().join("synth.toml"), format!("[hooks]\n{hooks}\n")).unwrap();
        with("after_load = [\"bad.sql\"]");
        let run = dbsynth_in(folder.path(), &clone).exits(7);
        assert!(run.stderr.contains("after_load hook bad.sql:4"), "{engine:?} {}", run.stderr);
        assert_eq!(contents(&target.url()), yesterdays, "{engine:?}");

        with("before_load = [{ command = \"echo s3cret; exit 3\" }]");
        let run = dbsynth_in(folder.path(), &[&clone[..], &["--quiet"]].concat()).exits(7);
        assert!(run.stderr.contains("exit code 3") && !run.stderr.contains("s3cret"), "{}", run.stderr);
        with("before_load = [\"missing.sql\"]");
        let run = dbsynth_in(folder.path(), &clone).exits(2);
        assert!(run.stderr.contains("missing.sql ([hooks] before_load"), "{}", run.stderr);
        if engine != Engine::MySql {
            fs::write(folder.path().join("commit.sql"), "SELECT 1;\nCOMMIT;\n").unwrap();
            with("after_load = [\"commit.sql\"]");
            let run = dbsynth_in(folder.path(), &clone).exits(7);
            assert!(run.stderr.contains("commit.sql:2"), "{}", run.stderr);
        }
        assert_eq!(contents(&target.url()), yesterdays, "{engine:?}");
        nothing_is_left_beside(engine, &target);

        // What fails after the exchange is told, and the new copy stays.
        with("after_swap = [\"bad.sql\"]");
        let run = dbsynth_in(folder.path(), &clone).exits(7);
        assert!(run.stderr.contains("after_swap hook bad.sql:4"), "{}", run.stderr);
        assert_ne!(contents(&target.url()), yesterdays, "{engine:?}");
    }
}

#[test]
fn identities_are_planted_in_rows_that_keep_their_children() {
    for engine in engines() {
        let toml = "[[identities]]\ntable = \"shop\"\ncount = 2\nset = { name = \"login {n}\", size = 9 }\n\
                    [[identities]]\ntable = \"shop\"\nwhere = \"size < 4\"\nset = { name = \"it's me\" }\n";
        let (source, target, folder) = scene("identities", engine, &[("synth.toml", toml)]);
        let clone = [&["clone", source.text(), target.text(), "--json"][..], &QUICK].concat();
        let planted = "SELECT count(*) FROM shop WHERE name IN ('login 1', 'login 2') AND size = 9 OR name = 'it''s me'";

        let run = dbsynth_in(folder.path(), &clone).exits(0);
        assert_eq!(target.number(planted), 3, "{engine:?}");
        assert_eq!(target.number("SELECT count(*) FROM shop"), 40);
        assert!(run.stderr.contains("identity 2 rows of shop: name, size"), "{}", run.stderr);
        assert!(!run.stderr.contains("it's me"), "{}", run.stderr);
        assert_eq!(run.json()["identities"][0]["rows"], 2);
        let first = contents(&target.url());
        dbsynth_in(folder.path(), &clone).exits(0);
        assert_eq!(contents(&target.url()), first, "{engine:?}: the same rows are chosen");
        dbsynth(&["verify", target.text(), "--quiet"]).exits(0);

        for (wrong, said) in [
            ("table = \"shop\"\ncount = 2\nset = { name = \"twice\" }", "number 2"),
            ("table = \"shop\"\ncount = 2\nset = { name = \"s3cret\", size = \"much\" }", "synth.toml:2"),
            ("table = \"nowhere\"\nset = { name = \"x\" }", "no table nowhere"),
            ("table = \"shop\"\nset = { colour = \"x\" }", "no column colour"),
            ("table = \"shop\"\ncount = 2\nset = { share = 0.5 }", "do not tell them apart"),
            ("table = \"shop\"\nwhere = \"size > 1000\"\nset = { name = \"x\" }", "no row left"),
        ] {
            // SQLite takes a text for a number.
            if engine == Engine::Sqlite && wrong.contains("much") {
                continue;
            }
            fs::write(folder.path().join("synth.toml"), format!("[[identities]]\n{wrong}\n")).unwrap();
            let run = dbsynth_in(folder.path(), &clone);
            // Two equal names break a key: the server says so, not we.
            let said = if wrong.contains("twice") { "synth.toml:2" } else { said };
            let run = run.exits(2);
            assert!(run.stderr.contains(said), "{engine:?} {wrong}: {}", run.stderr);
            assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
            assert_eq!(contents(&target.url()), first, "{engine:?} {wrong}");
        }
        nothing_is_left_beside(engine, &target);
    }
}

#[test]
fn the_mode_of_the_target_decides_what_may_be_replaced() {
    for engine in engines() {
        let (source, target, _folder) = scene("modes", engine, &[]);
        let clone = |mode: &str, more: &[&str]| {
            dbsynth(
                &[&["clone", source.text(), target.text(), "--schema-mode", mode][..], &QUICK, more].concat(),
            )
        };
        clone("create", &[]).exits(0);
        let run = clone("create", &["--yes"]).exits(5);
        assert!(run.stderr.contains("--schema-mode"), "{}", run.stderr);
        // Its own copy goes without a question.
        clone("swap", &[]).exits(0);
        target.run("CREATE TABLE precious (id INTEGER PRIMARY KEY);\n");
        let run = clone("swap", &["--yes"]).exits(5);
        assert!(run.stderr.contains("--replace"), "{}", run.stderr);
        let run = clone("replace", &[]).exits(5);
        assert!(run.stderr.contains("--yes") && run.stderr.contains("precious"), "{}", run.stderr);
        assert_eq!(target.number("SELECT count(*) FROM precious"), 0);
        clone("replace", &["--yes"]).exits(0);
        assert_eq!(contents(&target.url()).keys().collect::<Vec<_>>(), ["sale", "shop"]);
    }
}

#[test]
fn what_a_failed_run_built_is_kept_when_asked_for() {
    for engine in engines() {
        let (source, target, folder) = scene(
            "kept",
            engine,
            &[
                ("synth.toml", "[hooks]\nafter_load = [\"bad.sql\"]\n"),
                ("bad.sql", "SELECT nowhere FROM nothing;\n"),
            ],
        );
        let clone = [&["clone", source.text(), target.text()][..], &QUICK].concat();
        let run = dbsynth_in(folder.path(), &[&clone[..], &["--keep-failed"]].concat()).exits(7);
        let side = match engine {
            Engine::Postgres => {
                assert!(!run.stderr.contains("is kept:"), "{}", run.stderr);
                assert!(run.stderr.contains("--keep-failed"), "{}", run.stderr);
                continue;
            }
            Engine::MySql => {
                let side = format!("{}__dbsynth_new", target.text_of("SELECT DATABASE()"));
                assert!(run.stderr.contains(&format!("is kept: database {side}")), "{}", run.stderr);
                assert_eq!(target.number(&format!("SELECT count(*) FROM {side}.sale")), 200);
                side
            }
            Engine::Sqlite => {
                let side = format!("{}.dbsynth-partial", target.text().strip_prefix("sqlite:").unwrap());
                assert!(run.stderr.contains(&format!("is kept: file {side}")), "{}", run.stderr);
                assert!(fs::metadata(&side).unwrap().len() > 4096);
                side
            }
        };
        dbsynth(&clone).exits(0);
        nothing_is_left_beside(engine, &target);
        assert_eq!(target.number("SELECT count(*) FROM sale"), 200, "{side}");
    }
}

#[test]
fn a_new_column_is_made_and_reported_or_ends_the_run() {
    for engine in engines() {
        let (source, target, folder) = scene("drift", engine, &[]);
        let model = folder.path().join("m.dbsynth").display().to_string();
        let clone = [&["clone", source.text(), target.text(), "--json"][..], &QUICK].concat();
        dbsynth(&clone).exits(0);
        dbsynth(&[&clone[..], &["--on-drift", "fail"]].concat()).exits(0);
        let yesterdays = contents(&target.url());
        source.run("ALTER TABLE sale ADD COLUMN colour VARCHAR(10);\nUPDATE sale SET colour = 'red';\nCREATE TABLE extra (id INTEGER PRIMARY KEY);\n");

        let run = dbsynth(&[&clone[..], &["--on-drift", "fail"]].concat()).exits(8);
        assert!(run.stderr.contains("colour") && run.stderr.contains("extra"), "{}", run.stderr);
        assert!(run.stderr.contains("--on-drift report"), "{}", run.stderr);
        assert_eq!(contents(&target.url()), yesterdays);

        let run = dbsynth(&clone).exits(0);
        let drifted: Vec<String> = (run.json()["findings"].as_array().unwrap().iter())
            .filter(|finding| finding["code"] == "schema-drift")
            .map(|finding| format!("{} {}", finding["table"], finding["column"]))
            .collect();
        let colour = if engine == Engine::Postgres { "public.sale" } else { "sale" };
        assert_eq!(drifted.len(), 2, "{engine:?} {drifted:?}");
        assert!(
            drifted
                .iter()
                .any(|one| one == &format!("\"{colour}\" \"colour\"") || one == "\"sale\" \"colour\""),
            "{drifted:?}"
        );
        assert_eq!(target.number("SELECT count(*) FROM sale WHERE colour = 'red'"), 200);

        // A model file knows the schema that it has learnt.
        dbsynth(&[&["train", source.text(), "-o", &model][..], &QUICK].concat()).exits(0);
        dbsynth(&["generate", &model, target.text(), "--on-drift", "fail"]).exits(0);
        source.run("ALTER TABLE sale DROP COLUMN colour;\n");
        dbsynth(&[&clone[..], &["--on-drift", "fail"]].concat()).exits(8);
    }
}

/// Words that a statement on a source may begin with.
const HARMLESS: [&str; 12] = [
    "SELECT",
    "SET",
    "BEGIN",
    "START",
    "SAVEPOINT",
    "RELEASE",
    "ROLLBACK",
    "SHOW",
    "WITH",
    "PRAGMA",
    "EXPLAIN",
    "COPY",
];

#[test]
fn every_statement_on_the_source_is_shown_and_only_reads() {
    for engine in engines() {
        let (source, target, _folder) = scene("shown", engine, &[]);
        let run = dbsynth(
            &[&["clone", source.text(), target.text(), "--show-sql", "--log-format", "json"][..], &QUICK]
                .concat(),
        )
        .exits(0);
        let shown: Vec<String> = (run.stderr.lines())
            .filter_map(|line| {
                let object: serde_json::Value = serde_json::from_str(line).unwrap();
                Some(object["sql"].as_str()?.to_owned())
            })
            .collect();
        for sql in &shown {
            let word = sql.split_whitespace().next().unwrap().trim_end_matches(';').to_uppercase();
            assert!(HARMLESS.contains(&word.as_str()), "{engine:?}: {sql}");
            assert!(
                word != "COPY" || sql.starts_with("COPY (SELECT ") && sql.contains(") TO STDOUT"),
                "{sql}"
            );
        }
        let reads = |table: &str| shown.iter().any(|sql| sql.contains("cents") && sql.contains(table));
        assert!(shown.len() > 5 && reads("sale"), "{engine:?}: {shown:#?}");

        let plan = dbsynth(&["plan", source.text(), "--show-sql"]).exits(0);
        assert!(
            plan.stderr.contains(";\n") && plan.stderr.to_uppercase().contains("SELECT"),
            "{}",
            plan.stderr
        );
        assert!(!dbsynth(&["plan", source.text()]).exits(0).stderr.contains("SELECT"));
    }
}

#[test]
fn a_throttled_source_is_read_slowly_and_the_same() {
    for engine in engines() {
        let (source, target, folder) = scene("throttle", engine, &[]);
        let clone = [&["clone", source.text(), target.text(), "--max-connections", "1"][..], &QUICK].concat();
        dbsynth(&clone).exits(0);
        let quick = contents(&target.url());

        let started = Instant::now();
        dbsynth(&[&clone[..], &["--throttle", "100rows/s"]].concat()).exits(0);
        // 240 rows.
        assert!(started.elapsed() > Duration::from_millis(1_300), "{engine:?}: {:?}", started.elapsed());
        assert_eq!(contents(&target.url()), quick, "{engine:?}");

        fs::write(
            folder.path().join("synth.toml"),
            format!(
                "[source.prod]\nurl = \"{}\"\nthrottle = \"50MB/s\"\nlock_timeout = \"3s\"\nstatement_timeout = \"7m\"\n",
                source.text()
            ),
        )
        .unwrap();
        let run = dbsynth_in(folder.path(), &["plan", "prod", "--show-sql"]).exits(0);
        match engine {
            Engine::Postgres => {
                assert!(
                    run.stderr.contains("lock_timeout = '3s'")
                        && run.stderr.contains("statement_timeout = '420s'")
                );
            }
            Engine::MySql => {
                assert!(
                    run.stderr.contains("lock_wait_timeout = 3") && run.stderr.contains("_time = 420"),
                    "{}",
                    run.stderr
                );
            }
            Engine::Sqlite => {}
        }
    }
}

#[test]
fn a_log_for_machines_is_one_object_a_line() {
    for engine in engines() {
        let (source, target, _folder) = scene("log", engine, &[]);
        let clone = ["clone", source.text(), target.text(), "--log-format", "json", "--log", "debug"];
        let objects = |text: &str| -> Vec<serde_json::Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
        };
        let told = objects(&dbsynth(&[&clone[..], &QUICK].concat()).exits(0).stderr);
        for object in &told {
            assert!(object["time"].as_str().unwrap().ends_with('Z'), "{object}");
            assert!(object["level"].is_string() && object["message"].is_string(), "{object}");
        }
        let finished: BTreeSet<&str> = (told.iter())
            .filter(|object| object["table"].is_string() && object["message"] == "finished")
            .map(|object| object["stage"].as_str().unwrap())
            .collect();
        assert!(finished.contains("load") && finished.contains("snapshot"), "{finished:?}");
        let rows = told.iter().any(|object| object["stage"] == "load" && object["done"] == 200);
        assert!(rows, "{told:#?}");

        let failed = objects(
            &dbsynth(&["clone", source.text(), source.text(), "--log-format", "json"]).exits(5).stderr,
        );
        let last = failed.last().unwrap();
        assert!(last["level"] == "error" && last["hint"].is_string(), "{last}");
    }
}

/// Reads a source while its server is watched.
#[test]
fn a_source_sees_no_write_and_no_lock_that_could_hold_anybody_up() {
    for engine in engines() {
        let (source, target, _folder) = scene("harmless", engine, &[]);
        let clone =
            [&["clone", source.text(), target.text(), "--throttle", "150rows/s"][..], &QUICK].concat();
        let before = contents(&source.url());
        match engine {
            Engine::Sqlite => {
                let path = source.text().strip_prefix("sqlite:").unwrap();
                let state = || (fs::read(path).unwrap(), fs::metadata(path).unwrap().modified().unwrap());
                let first = state();
                dbsynth(&clone).exits(0);
                assert_eq!(state(), first);
                nothing_is_left_beside(engine, &source);
            }
            Engine::Postgres => watch_postgres(&source, &clone),
            Engine::MySql => watch_mysql(&source, &target),
        }
        assert_eq!(contents(&source.url()), before);
    }
}

fn watch_postgres(source: &Scratch, clone: &[&str]) {
    // Of its tables, not of the database: the server itself may gather statistics meanwhile, and it locks its own entry
    // of a database, of which it says so, while somebody connects.
    let writes = "SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int8 FROM pg_stat_user_tables";
    // The statistics of the making arrive late.
    let mut first = source.number(writes);
    loop {
        std::thread::sleep(Duration::from_millis(600));
        let now = source.number(writes);
        if now == first {
            break;
        }
        first = now;
    }
    let mut run = start(clone);
    let mut modes = BTreeSet::new();
    while run.try_wait().unwrap().is_none() {
        let held = "SELECT coalesce(string_agg(DISTINCT l.mode, ','), '') FROM pg_locks l \
                    JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() \
                    AND a.application_name = 'dbsynth' AND l.locktype <> 'virtualxid' \
                    AND l.classid IS DISTINCT FROM 'pg_database'::regclass";
        modes.extend(source.text_of(held).split(',').filter(|mode| !mode.is_empty()).map(str::to_owned));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(run.wait().unwrap().success());
    assert_eq!(
        modes,
        BTreeSet::from(["AccessShareLock".to_owned()]),
        "it was watched, and held nothing stronger"
    );
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(source.number(writes), first);
}

/// As a user of its own, whose statements the server counts. MariaDB counts them only if told to.
fn watch_mysql(source: &Scratch, target: &Scratch) {
    let mariadb = source.text_of("SELECT VERSION()").contains("MariaDB");
    let database = source.text_of("SELECT DATABASE()");
    source.run(&format!(
        "DROP USER IF EXISTS it_harmless;\nCREATE USER it_harmless IDENTIFIED BY 's3cret-word';\n\
         GRANT SELECT, SHOW VIEW ON {database}.* TO it_harmless;\n"
    ));
    if mariadb {
        source.run("SET GLOBAL userstat = 1;\nFLUSH USER_STATISTICS;\n");
    }
    let mut url = url::Url::parse(source.text()).unwrap();
    url.set_username("it_harmless").unwrap();
    url.set_password(Some("s3cret-word")).unwrap();
    dbsynth(&[&["clone", url.as_str(), target.text()][..], &QUICK].concat()).exits(0);

    let (selects, changes) = if mariadb {
        let of = |sum: &str| {
            format!(
                "SELECT CAST({sum} AS SIGNED) FROM information_schema.USER_STATISTICS WHERE USER = 'it_harmless'"
            )
        };
        (of("SELECT_COMMANDS"), of("UPDATE_COMMANDS + ROWS_INSERTED + ROWS_UPDATED + ROWS_DELETED"))
    } else {
        let of = |events: &str| {
            format!(
                "SELECT CAST(COALESCE(SUM(COUNT_STAR), 0) AS SIGNED) FROM \
                 performance_schema.events_statements_summary_by_user_by_event_name \
                 WHERE USER = 'it_harmless' AND EVENT_NAME REGEXP 'statement/sql/({events})'"
            )
        };
        (of("select"), of("insert|update|delete|replace|create|alter|drop|truncate|lock|load"))
    };
    assert!(source.number(&selects) > 5, "it was watched");
    assert_eq!(source.number(&changes), 0);
    source.run("DROP USER it_harmless;\n");
}

#[test]
fn a_hook_is_heard_while_it_runs() {
    let Some(engine) = engines().into_iter().next() else { return };
    let (source, target, folder) = scene(
        "heard",
        engine,
        &[(
            "synth.toml",
            "[hooks]\nafter_load = [{ command = \"echo first; echo error >&2; while [ ! -e go ]; do sleep 0.05; done; \
             echo last\" }]\n",
        )],
    );
    let mut command = crate::support::command(
        &[&["clone", source.text(), target.text(), "--log-format", "json"][..], &QUICK].concat(),
    );
    let mut run = command.current_dir(folder.path()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut said = lines.filter_map(|line| {
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        (object["stage"] == "after_load").then(|| object["message"].as_str().unwrap().to_owned())
    });
    let mut first = Vec::new();
    // It waits for the file: were its lines told at its end only, none would come.
    while first.len() < 2 {
        let line = said.next().unwrap();
        if line == "first" || line == "error" {
            first.push(line);
        }
    }
    fs::write(folder.path().join("go"), "").unwrap();
    assert!(said.any(|line| line == "last"));
    drop(said);
    assert!(run.wait().unwrap().success());
}

/// Twelve megabytes, which several connections read.
const WIDE: &str = "CREATE TABLE page (id bigint PRIMARY KEY, part int NOT NULL, body bytea NOT NULL);
    ALTER TABLE page ALTER body SET STORAGE PLAIN;
    INSERT INTO page SELECT i, i % 7, decode(repeat(md5(i::text), 64), 'hex') FROM generate_series(1, 12000) i;
    CREATE TABLE note (page_id bigint NOT NULL REFERENCES page, size int NOT NULL);
    INSERT INTO note SELECT 1 + i % 12000, i % 11 FROM generate_series(1, 3000) i; ANALYZE";

#[test]
fn several_connections_read_a_large_source_harmlessly_and_the_clone_is_the_same() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == Engine::Postgres) else { return };
    let source = Scratch::new(engine, "nightly_wide_source");
    source.run(WIDE);
    let (one, many) = (Scratch::new(engine, "nightly_wide_one"), Scratch::new(engine, "nightly_wide_many"));
    let words = |target: &Scratch, most: &str| -> Vec<String> {
        let first = ["clone", source.text(), target.text(), "--max-connections", most, "--seed", "4"];
        let rows = ["--rows", "page=300", "--rows", "note=300"];
        first.iter().chain(&rows).chain(&QUICK).map(|word| (*word).to_owned()).collect()
    };
    let (alone, wide) = (words(&one, "1"), words(&many, "3"));
    dbsynth(&alone.iter().map(String::as_str).collect::<Vec<_>>()).exits(0);
    let wide: Vec<&str> = wide.iter().map(String::as_str).collect();
    watch_postgres(&source, &wide);
    assert_eq!(contents(&many.url()), contents(&one.url()));

    let shown = dbsynth(&[&wide[..], &["--show-sql", "--log-format", "json"]].concat()).exits(0).stderr;
    let sql: Vec<String> = (shown.lines())
        .filter_map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["sql"].as_str().map(str::to_owned)
        })
        .collect();
    for statement in &sql {
        let word = statement.split_whitespace().next().unwrap().trim_end_matches(';').to_uppercase();
        let lock = statement == "LOCK TABLE ONLY \"public\".\"page\" IN ACCESS SHARE MODE NOWAIT";
        assert!(lock || HARMLESS.contains(&word.as_str()), "{statement}");
    }
    let begun = |start: &str| sql.iter().filter(|statement| statement.starts_with(start)).count();
    assert_eq!(begun("SET TRANSACTION SNAPSHOT"), 2);
    assert_eq!(begun("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), 3);
    for limit in ["SET LOCAL lock_timeout = '10s'", "SET LOCAL statement_timeout = '21600s'"] {
        assert_eq!(sql.iter().filter(|statement| statement.contains(limit)).count(), 3, "{limit}");
    }
    assert!(begun("COPY (SELECT ") > 3 && begun("LOCK TABLE") == 2, "{sql:#?}");
}

#[test]
fn rows_of_tables_that_the_load_has_made_are_visible_to_all_at_once() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == Engine::Postgres) else { return };
    let source = Scratch::new(engine, "nightly_frozen_source");
    source.run(
        "CREATE TABLE \"Page\" (id bigint PRIMARY KEY, part int NOT NULL);
         INSERT INTO \"Page\" SELECT i, i % 7 FROM generate_series(1, 5000) i;
         CREATE TABLE cut (id bigint PRIMARY KEY, part int NOT NULL) PARTITION BY RANGE (id);
         CREATE TABLE cut_1 PARTITION OF cut FOR VALUES FROM (0) TO (100000);
         INSERT INTO cut SELECT i, i % 5 FROM generate_series(1, 500) i;
         CREATE TABLE above (size int); INSERT INTO above SELECT generate_series(1, 50);
         CREATE TABLE below (more int) INHERITS (above); INSERT INTO below SELECT i, i FROM generate_series(1, 50) i",
    );
    let target = Scratch::new(engine, "nightly_frozen_target");
    let clone = [&["clone", source.text(), target.text()][..], &QUICK].concat();
    let unseen = "SELECT (relpages - relallvisible)::int8 FROM pg_class WHERE oid = '\"Page\"'::regclass";
    for _ in 0..2 {
        dbsynth(&clone).exits(0);
        assert_eq!(target.number(unseen), 0);
        let each = |table: &str| target.number(&format!("SELECT count(*) FROM {table}"));
        assert_eq!((each("\"Page\""), each("cut"), each("ONLY above"), each("below")), (5000, 500, 50, 50));
    }
    // After a script of the user nobody knows what is open.
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("before.sql"), "DECLARE c CURSOR FOR SELECT 1;\nSAVEPOINT mine;\n").unwrap();
    fs::write(folder.path().join("synth.toml"), "[hooks]\nbefore_load = [\"before.sql\"]\n").unwrap();
    dbsynth_in(folder.path(), &clone).exits(0);
    assert!(target.number(unseen) > 0);
}
