//! A run that died is taken up: what it had learned is not learned again, and the result is that of a run that went
//! through.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
};

use serde_json::Value;

use crate::{
    fixtures::Script,
    leaks::guests,
    support::{Engine, Run, Scratch, contents, dbsynth, engines, nothing_is_left_beside, start},
};

/// Lines after which a run is killed, and whether the learning has ended by then.
const MOMENTS: [(&str, bool); 7] = [
    ("snapshot", false),
    ("train", false),
    ("train sale", false),
    ("sample shop", true),
    ("sample sale", true),
    ("constraints", true),
    ("verify", true),
];

fn shop(engine: Engine, name: &str, shops: i64) -> Scratch {
    let mut script = Script::new(engine);
    script.add("CREATE TABLE shop (id INTEGER PRIMARY KEY, size INTEGER NOT NULL, share DOUBLE PRECISION)");
    script.rows("shop", shops, |id| format!("{id}, {}, {}.5", id % 4, id * id % 97));
    script.add(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, cents INTEGER NOT NULL, \
         FOREIGN KEY (shop_id) REFERENCES shop (id))",
    );
    script.rows("sale", 400, |id| format!("{id}, {}, {}", 1 + id % shops, id * 7 % 50));
    script.add("CREATE TABLE word (id INTEGER PRIMARY KEY, text VARCHAR(40))");
    script.rows("word", 3, |id| format!("{id}, 'never at rest {id}'"));
    script.database(name)
}

/// A clone with its state in a folder of its own; `more` are further flags.
struct Job<'a> {
    source: &'a Scratch,
    target: &'a Scratch,
    state: &'a Path,
    more: &'a [&'a str],
}

impl Job<'_> {
    fn arguments<'a>(&'a self, flags: &[&'a str]) -> Vec<&'a str> {
        let ends =
            ["clone", self.source.text(), self.target.text(), "--json", "--seed", "2", "--threads", "1"];
        let state = ["--generator", "independent", "--state", self.state.to_str().unwrap()];
        [&ends[..], &state, self.more, flags].concat()
    }

    fn run(&self, flags: &[&str]) -> Run {
        dbsynth(&self.arguments(flags))
    }

    /// Kills a run after the first line that begins so. It writes more rows than others, so that the blow comes in time;
    /// that changes nothing of what is learned.
    fn kill_after(&self, line: &str) {
        self.kill_larger_after("sale=8000", line);
    }

    fn kill_larger_after(&self, rows: &str, line: &str) {
        let mut run = start(&self.arguments(&["--rows", rows]));
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|printed| printed.starts_with(line)), "never printed: {line}");
        let _ = run.kill();
        run.wait().unwrap();
    }

    fn is_clean(&self) -> bool {
        fs::read_dir(self.state).unwrap().count() == 0
    }
}

fn codes(run: &Run) -> Vec<String> {
    let found = run.json()["findings"].as_array().cloned().unwrap_or_default();
    found.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

fn has(run: &Run, code: &str) -> bool {
    codes(run).iter().any(|found| found == code)
}

fn lines_of(run: &Run, beginning: &str) -> usize {
    run.stderr.lines().filter(|line| line.starts_with(beginning)).count()
}

/// Kills a run at every moment, and takes it up.
fn is_taken_up(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let named = |end: &str| format!("resume_{engine:?}_{end}").to_lowercase();
    let source = shop(engine, &named("source"), 40);
    let (target, through) = (Scratch::new(engine, &named("target")), Scratch::new(engine, &named("through")));
    let folder = tempfile::tempdir().unwrap();
    let job = |target| Job { source: &source, target, state: folder.path(), more: &[] };
    job(&through).run(&[]).exits(0);
    let (whole, original) = (contents(&through.url()), contents(&source.url()));

    let (run, mut taken_up) = (job(&target), 0);
    for (line, complete) in MOMENTS {
        run.kill_after(line);
        assert_eq!(contents(&source.url()), original, "{engine:?}, {line}");
        let resumed = run.run(&["--resume"]).exits(0);

        assert!(contents(&target.url()) == whole, "{engine:?}, killed after {line}");
        assert_eq!(contents(&source.url()), original, "{engine:?}, {line}");
        assert!(run.is_clean(), "{engine:?}, {line}: the state is left");
        let over = resumed.stderr.contains("nothing to take up");
        if complete && !over {
            // Nothing was held out for an audit: the model is all that is needed.
            assert!(has(&resumed, "source-not-read"), "{engine:?}, {line}: {:?}", codes(&resumed));
            assert_eq!(lines_of(&resumed, "snapshot") + lines_of(&resumed, "train"), 0, "{}", resumed.stderr);
        }
        if line == "train sale" && !over {
            let known = has(&resumed, "resumed") || has(&resumed, "source-not-read");
            assert!(known, "{engine:?}: {:?}", codes(&resumed));
        }
        taken_up += lines_of(&resumed, "taking up the run of");
    }
    // The last blow may come late.
    assert!(taken_up >= 4, "{engine:?}: {taken_up}");
    nothing_is_left_beside(engine, &target);
}

#[test]
fn a_killed_run_is_taken_up_on_postgres() {
    is_taken_up(Engine::Postgres);
}

#[test]
fn a_killed_run_is_taken_up_on_mysql() {
    is_taken_up(Engine::MySql);
}

#[test]
fn a_killed_run_is_taken_up_on_sqlite() {
    is_taken_up(Engine::Sqlite);
}

#[test]
fn an_audited_run_that_is_taken_up_reads_again_and_says_the_same() {
    let (source, target) =
        (shop(Engine::Sqlite, "resume_audit_source", 400), Scratch::new(Engine::Sqlite, "resume_audit"));
    let folder = tempfile::tempdir().unwrap();
    let job = Job { source: &source, target: &target, state: folder.path(), more: &[] };
    let through = job.run(&[]).exits(0);
    let whole = contents(&target.url());
    assert!(!through.json()["audit"].is_null(), "{}", through.stdout);

    for line in ["train s", "sample shop"] {
        job.kill_after(line);
        let resumed = job.run(&["--resume"]).exits(0);

        assert!(has(&resumed, "resumed"), "{:?}", codes(&resumed));
        // The rows are read again, and where learning had ended nothing is learned.
        assert_eq!(lines_of(&resumed, "snapshot"), 4, "{}", resumed.stderr);
        assert!(line == "train s" || lines_of(&resumed, "train") == 0, "{}", resumed.stderr);
        assert_eq!(contents(&target.url()), whole);
        assert_eq!(resumed.json()["audit"], through.json()["audit"]);
    }
}

#[test]
fn rows_that_one_entity_alone_has_are_avoided_by_a_run_that_is_taken_up() {
    let (source, target) = (guests("resume_guests"), Scratch::new(Engine::Sqlite, "resume_guests_copy"));
    let folder = tempfile::tempdir().unwrap();
    let job = Job { source: &source, target: &target, state: folder.path(), more: &["--audit", "off"] };
    job.run(&[]).exits(0);
    let whole = contents(&target.url());

    job.kill_larger_after("guest=100000", "sample");
    let resumed = job.run(&["--resume"]).exits(0);

    assert!(has(&resumed, "resumed"), "{:?}", codes(&resumed));
    // Nothing is learned again, and yet the rows are read: nobody has kept which of them to avoid.
    assert_eq!((lines_of(&resumed, "train"), lines_of(&resumed, "snapshot guest") > 0), (0, true));
    assert_eq!(contents(&target.url()), whole);
}

#[test]
fn what_has_changed_since_is_learned_again() {
    for engine in engines() {
        let named = |end: &str| format!("resume_moved_{engine:?}_{end}").to_lowercase();
        let source = shop(engine, &named("source"), 40);
        let target = Scratch::new(engine, &named("target"));
        let folder = tempfile::tempdir().unwrap();
        let job = Job { source: &source, target: &target, state: folder.path(), more: &[] };

        job.kill_after("sample shop");
        source.run("UPDATE sale SET cents = 49 WHERE cents < 9;\nDELETE FROM word WHERE id = 3;\n");
        let resumed = job.run(&["--resume"]).exits(0);
        let taken_up = contents(&target.url());
        job.run(&[]).exits(0);

        assert!(taken_up == contents(&target.url()), "{engine:?}");
        assert!(has(&resumed, "learned-again"), "{engine:?}: {:?}", codes(&resumed));
        let again = resumed.json()["findings"].as_array().cloned().unwrap_or_default();
        let again = again.iter().filter(|finding| finding["code"] == "learned-again");
        let again: Vec<Value> = again.map(|finding| finding["table"].clone()).collect();
        assert!(again.iter().any(|table| table.as_str().is_some_and(|name| name.ends_with("sale"))));
    }
}

#[test]
fn a_damaged_state_is_learned_again_and_a_plain_run_says_what_it_leaves_aside() {
    let (source, target) =
        (shop(Engine::Sqlite, "resume_damaged_source", 40), Scratch::new(Engine::Sqlite, "resume_damaged"));
    let folder = tempfile::tempdir().unwrap();
    let job = Job { source: &source, target: &target, state: folder.path(), more: &[] };
    let none = job.run(&["--resume"]).exits(0);
    assert!(none.stderr.contains("nothing to take up"), "{}", none.stderr);
    let whole = contents(&target.url());

    job.kill_after("sample shop");
    let plain = job.run(&[]).exits(0);
    assert!(plain.stderr.contains("--resume takes it up"), "{}", plain.stderr);
    assert!(!has(&plain, "resumed") && job.is_clean());

    job.kill_after("sample shop");
    for run in fs::read_dir(folder.path()).unwrap() {
        for file in fs::read_dir(run.unwrap().path()).unwrap().map(|file| file.unwrap().path()) {
            if file.extension().is_some_and(|end| end == "table" || end == "dbsynth") {
                let bytes = fs::read(&file).unwrap();
                fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
            }
        }
    }
    let resumed = job.run(&["--resume"]).exits(0);
    assert!(has(&resumed, "state-damaged"), "{:?}", codes(&resumed));
    assert_eq!(contents(&target.url()), whole);
}

#[test]
fn no_real_row_is_kept_not_even_of_a_table_that_is_copied() {
    let (source, target) =
        (shop(Engine::Sqlite, "resume_copied_source", 40), Scratch::new(Engine::Sqlite, "resume_copied"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("copy.toml");
    fs::write(&file, "[tables.word]\nmode = \"copy\"\n").unwrap();
    let state = folder.path().join("state");
    let more = ["--config", file.to_str().unwrap()];
    let job = Job { source: &source, target: &target, state: &state, more: &more };
    job.run(&[]).exits(0);
    let whole = contents(&target.url());

    job.kill_after("sample shop");
    let mut files = 0;
    for run in fs::read_dir(&state).unwrap() {
        for file in fs::read_dir(run.unwrap().path()).unwrap().map(|file| file.unwrap().path()) {
            let bytes = fs::read(&file).unwrap();
            assert!(!bytes.windows(13).any(|text| text == b"never at rest"), "{}", file.display());
            files += 1;
        }
    }
    assert!(files >= 4, "{files} files");
    let resumed = job.run(&["--resume"]).exits(0);
    assert!(has(&resumed, "resumed"), "{:?}", codes(&resumed));
    assert_eq!(contents(&target.url()), whole);
    assert_eq!(target.number("SELECT count(*) FROM word WHERE text LIKE 'never at rest%'"), 3);
}

#[test]
fn a_training_is_taken_up_and_its_model_generates_the_same() {
    let source = shop(Engine::Sqlite, "resume_train_source", 400);
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (state, model, other) = (place("state"), place("model.dbsynth"), place("other.dbsynth"));
    let arguments = |output: &str, flags: &[&str]| -> Vec<String> {
        let base = ["train", source.text(), "--seed", "2", "--threads", "1", "--state", &state, "-o", output];
        base.iter().chain(flags).map(|word| (*word).to_owned()).collect()
    };
    let run = |words: Vec<String>| dbsynth(&words.iter().map(String::as_str).collect::<Vec<_>>());
    run(arguments(&other, &[])).exits(0);

    let words = arguments(&model, &[]);
    let mut killed = start(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let mut lines = BufReader::new(killed.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("train s")));
    let _ = killed.kill();
    killed.wait().unwrap();
    assert!(!Path::new(&model).exists());
    let resumed = run(arguments(&model, &["--resume"])).exits(0);

    assert!(resumed.stderr.contains("taking up the run of"), "{}", resumed.stderr);
    let rows = |model: &str, name: &str| {
        let target = Scratch::new(Engine::Sqlite, name);
        dbsynth(&["generate", model, target.text(), "--seed", "3"]).exits(0);
        contents(&target.url())
    };
    assert_eq!(rows(&model, "resume_train_a"), rows(&other, "resume_train_b"));
}

#[test]
fn a_failed_run_says_what_is_kept() {
    let (source, target) =
        (shop(Engine::Sqlite, "resume_fails_source", 40), Scratch::new(Engine::Sqlite, "resume_fails"));
    let folder = tempfile::tempdir().unwrap();
    let job = Job { source: &source, target: &target, state: folder.path(), more: &[] };

    let file = folder.path().join("hooked.toml");
    fs::write(&file, "[hooks]\nbefore_load = [{ command = \"exit 1\" }]\n").unwrap();
    let failed = job.run(&["--config", file.to_str().unwrap()]).exits(7);
    assert!(failed.stderr.contains("with --resume takes it up"), "{}", failed.stderr);
    let resumed = job.run(&["--resume"]).exits(0);
    assert!(has(&resumed, "source-not-read"), "{:?}", codes(&resumed));
}
