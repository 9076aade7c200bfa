//! What dbsynth refuses, what fails, with which exit code, and that the target is then as it was.

use std::{
    io::{BufRead, BufReader},
    process::Command,
};

use crate::{
    fixtures::{self, Script},
    support::{Engine, Scratch, contents, dbsynth, dbsynth_in, engines, nothing_is_left_beside, start},
};

/// Two tables, a handful of rows.
fn tiny(engine: Engine, name: &str) -> Scratch {
    let mut script = Script::new(engine);
    script.add("CREATE TABLE shop (id INTEGER PRIMARY KEY, size INTEGER NOT NULL)");
    script.rows("shop", 12, |id| format!("{id}, {}", id % 4));
    script.add(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, cents INTEGER NOT NULL, \
         FOREIGN KEY (shop_id) REFERENCES shop (id))",
    );
    script.rows("sale", 30, |id| format!("{id}, {}, {}", 1 + id % 12, id * 7 % 50));
    script.database(name)
}

fn named(test: &str, engine: Engine, end: &str) -> String {
    format!("{test}_{engine:?}_{end}").to_lowercase()
}

#[test]
fn a_source_is_never_its_own_target() {
    for engine in engines() {
        let source = tiny(engine, &named("itself", engine, "source"));
        let before = contents(&source.url());
        let other = match engine {
            Engine::Postgres => source.text().replace("postgres://", "postgresql://"),
            Engine::MySql => source.text().replace("127.0.0.1", "localhost"),
            Engine::Sqlite => source.text().replace("/it_", "/./it_"),
        };

        for spelling in [source.text(), &other] {
            let run = dbsynth(&["clone", source.text(), spelling, "--replace", "--yes"]).exits(5);
            assert!(run.stderr.contains("same database"), "{}", run.stderr);
        }
        assert_eq!(contents(&source.url()), before);
    }
}

#[test]
fn a_link_to_the_source_is_the_source() {
    let source = tiny(Engine::Sqlite, "link_source");
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.sqlite");
    std::os::unix::fs::symlink(source.text().strip_prefix("sqlite:").unwrap(), &link).unwrap();

    dbsynth(&["clone", source.text(), &format!("sqlite:{}", link.display()), "--replace"]).exits(5);
}

#[test]
fn tables_of_others_are_replaced_only_when_told_and_its_own_at_once() {
    for engine in engines() {
        let source = tiny(engine, &named("strangers", engine, "source"));
        let target = Scratch::new(engine, &named("strangers", engine, "target"));
        target
            .run("CREATE TABLE precious (id INTEGER PRIMARY KEY);\nINSERT INTO precious VALUES (1), (2);\n");

        let run = dbsynth(&["clone", source.text(), target.text()]).exits(5);
        assert!(run.stderr.contains("precious") && run.stderr.contains("--replace"), "{}", run.stderr);
        assert_eq!(target.number("SELECT count(*) FROM precious"), 2);

        dbsynth(&["clone", source.text(), target.text(), "--replace", "--yes"]).exits(0);
        assert_eq!(contents(&target.url()).keys().collect::<Vec<_>>(), ["sale", "shop"]);

        dbsynth(&["clone", source.text(), target.text(), "--seed", "2"]).exits(0);
        assert_eq!(target.number("SELECT count(*) FROM sale"), 30);
    }
}

#[test]
fn configuration_that_does_not_fit_is_an_error_of_usage() {
    let source = tiny(Engine::Sqlite, "config_source");
    let target = Scratch::new(Engine::Sqlite, "config_target");
    for (file, hint) in [
        ("[tables.nowhere]\nrows = 5\n", "nowhere"),
        ("[clone]\ntables = [\"nowhere\"]\n", "nowhere"),
        ("[clone]\nseed = \n", "synth.toml:2"),
        ("[clone]\nscale = \"much\"\n", "synth.toml:2"),
        ("[[references]]\nfrom = \"sale(nothing)\"\nto = \"shop(id)\"\n", "nothing"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("synth.toml"), file).unwrap();

        let run = dbsynth_in(folder.path(), &["clone", source.text(), target.text()]).exits(2);
        assert!(run.stderr.contains(hint) && run.stdout.is_empty(), "{}", run.stderr);
    }
    for flags in [["--tables", "nowhere"], ["--exclude", "nowhere"], ["--rows", "nowhere=3"]] {
        let run = dbsynth(&[&["clone", source.text(), target.text()], &flags[..]].concat()).exits(2);
        assert!(run.stderr.contains("nowhere"), "{}", run.stderr);
    }
    let run = dbsynth(&["clone", source.text(), "mysql://root@127.0.0.1:1/x"]).exits(2);
    assert!(run.stderr.contains("sqlite"), "{}", run.stderr);
}

#[test]
fn an_unreachable_end_is_told_by_the_exit_code() {
    let source = tiny(Engine::Sqlite, "unreachable_source");
    let folder = tempfile::tempdir().unwrap();
    let missing = format!("sqlite:{}", folder.path().join("no/such/file.db").display());
    for nowhere in [&missing[..], "postgres://nobody@127.0.0.1:1/x", "mysql://nobody@127.0.0.1:1/x"] {
        let run = dbsynth(&["plan", nowhere]).exits(3);
        assert!(run.stdout.is_empty() && run.stderr.contains("error: "), "{}", run.stderr);
    }
    dbsynth(&["clone", source.text(), &missing]).exits(4);
    for engine in engines() {
        let source = tiny(engine, &named("unreachable", engine, "source"));
        let nowhere = match engine {
            Engine::Postgres => "postgres://nobody@127.0.0.1:1/x",
            Engine::MySql => "mysql://nobody@127.0.0.1:1/x",
            Engine::Sqlite => &missing,
        };
        dbsynth(&["clone", source.text(), nowhere]).exits(4);
    }
}

/// The URL of a database for another user.
fn as_user(scratch: &Scratch, user: &str) -> String {
    let mut url = url::Url::parse(scratch.text()).unwrap();
    url.set_username(user).unwrap();
    url.set_password(Some("s3cret-word")).unwrap();
    url.to_string()
}

#[test]
fn a_missing_grant_is_named_and_writes_nothing() {
    for engine in engines() {
        let (user, drop_user) = match engine {
            Engine::Sqlite => continue,
            Engine::Postgres => {
                ("CREATE ROLE it_reader LOGIN PASSWORD 's3cret-word'", "DROP ROLE IF EXISTS it_reader")
            }
            Engine::MySql => {
                ("CREATE USER it_reader IDENTIFIED BY 's3cret-word'", "DROP USER IF EXISTS it_reader")
            }
        };
        let source = tiny(engine, &named("grant", engine, "source"));
        let target = Scratch::new(engine, &named("grant", engine, "target"));
        source.run(&format!("{drop_user};\n{user};\n"));
        let reader = as_user(&source, "it_reader");

        let run = dbsynth(&["clone", &reader, target.text()]).exits(3);
        assert!(!run.stderr.contains("s3cret-word"), "{}", run.stderr);
        assert!(contents(&target.url()).is_empty());

        let run = dbsynth(&["clone", source.text(), &as_user(&target, "it_reader")]).exits(4);
        assert!(!run.stderr.contains("s3cret-word"), "{}", run.stderr);
        source.run(drop_user);
    }
}

/// A condition no generator can foresee: about one text in sixteen meets it.
fn unforeseeable(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => {
            "(unicode(substr(token, 4)) * 3 + unicode(substr(token, 6)) * 7 + unicode(substr(token, 7)) * 11) % 16 = 0"
        }
        Engine::Postgres => "md5(token) LIKE '0%'",
        // MySQL 9 has no md5 any more.
        Engine::MySql => "sha2(token, 256) LIKE '0%'",
    }
}

/// Rows that meet it, in a table that demands it by `seal`, the rest of its definition.
fn sealed(engine: Engine, name: &str, seal: &str) -> Scratch {
    let mut script = Script::new(engine);
    let columns = "id INTEGER PRIMARY KEY, token VARCHAR(30) NOT NULL";
    script.add(&format!("CREATE TABLE candidate ({columns})"));
    script.rows("candidate", 1600, |id| format!("{id}, 'tk-{:08}'", fixtures::noise(id, 1, 99_999_999)));
    script.add(&format!("CREATE TABLE sealed ({columns}, {seal})"));
    let passes = unforeseeable(engine);
    script.add(&format!("INSERT INTO sealed (id, token) SELECT id, token FROM candidate WHERE {passes}"));
    script.add("DROP TABLE candidate");
    script.database(name)
}

/// A table whose generated column the server cannot compute for most rows.
fn uncomputable(engine: Engine, name: &str) -> Scratch {
    let (kind, otherwise) = match engine {
        Engine::Postgres => ("smallint", "100000"),
        Engine::MySql => ("TINYINT", "100000"),
        Engine::Sqlite => ("INTEGER", "json_extract('{', '$')"),
    };
    let passes = unforeseeable(engine);
    let seal =
        format!("seal {kind} GENERATED ALWAYS AS (CASE WHEN {passes} THEN 1 ELSE {otherwise} END) STORED");
    sealed(engine, name, &seal)
}

#[test]
fn a_check_that_nobody_can_foresee_is_met() {
    for engine in engines() {
        let passes = unforeseeable(engine);
        let source = sealed(engine, &named("unforeseen", engine, "source"), &format!("CHECK ({passes})"));
        let target = Scratch::new(engine, &named("unforeseen", engine, "target"));

        dbsynth(&["clone", source.text(), target.text()]).exits(0);

        let rows = source.number("SELECT count(*) FROM sealed");
        assert_eq!(target.number(&format!("SELECT count(*) FROM sealed WHERE {passes}")), rows, "{engine:?}");
    }
}

#[test]
fn rows_that_a_generated_column_cannot_be_computed_for_are_mended() {
    for engine in engines() {
        let source = uncomputable(engine, &named("computed", engine, "source"));
        let target = Scratch::new(engine, &named("computed", engine, "target"));

        let run = dbsynth(&["clone", source.text(), target.text()]).exits(0);

        let rows = source.number("SELECT count(*) FROM sealed");
        assert_eq!(target.number("SELECT count(*) FROM sealed WHERE seal = 1"), rows, "{engine:?}");
        assert!(run.stderr.contains("rows broke generated column seal"), "{}", run.stderr);
    }
}

#[test]
fn a_failed_load_leaves_the_target_as_it_was() {
    for engine in engines() {
        let (yesterday, today) = (
            tiny(engine, &named("failed", engine, "yesterday")),
            uncomputable(engine, &named("failed", engine, "today")),
        );
        let target = Scratch::new(engine, &named("failed", engine, "target"));
        dbsynth(&["clone", yesterday.text(), target.text()]).exits(0);
        let before = contents(&target.url());
        // The rows are loaded by then.
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("last.sql"),
            "DELETE FROM sealed;\nINSERT INTO nowhere VALUES (1);\n",
        )
        .unwrap();
        std::fs::write(folder.path().join("synth.toml"), "[hooks]\nafter_load = [\"last.sql\"]\n").unwrap();

        let run = dbsynth_in(folder.path(), &["clone", today.text(), target.text()]).exits(7);

        assert!(run.stdout.is_empty() && run.stderr.contains("last.sql:2"), "{}", run.stderr);
        assert_eq!(contents(&target.url()), before, "{engine:?}");
        nothing_is_left_beside(engine, &target);
        // And it is still known as dbsynth's own.
        dbsynth(&["clone", yesterday.text(), target.text()]).exits(0);
    }
}

#[test]
fn an_interrupt_leaves_the_target_as_it_was() {
    for engine in engines() {
        let source = fixtures::household(engine, &named("interrupt", engine, "source"));
        let target = tiny(engine, &named("interrupt", engine, "target"));
        let before = contents(&target.url());

        let mut child = start(&["clone", source.text(), target.text(), "--replace", "--yes"]);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let training = lines.find(|line| line == "train");
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        let rest: Vec<String> = lines.collect();

        assert!(training.is_some(), "{rest:?}");
        assert_eq!(child.wait().unwrap().code(), Some(130), "{engine:?}: {rest:?}");
        assert_eq!(contents(&target.url()), before, "{engine:?}");
        nothing_is_left_beside(engine, &target);
    }
}
