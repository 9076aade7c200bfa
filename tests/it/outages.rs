//! What a server or a disk does to a run: it goes down, it is full, somebody else holds a lock. Afterwards the target
//! holds yesterday's copy, the source is as it was, and the next run succeeds, plain or taken up.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    fixtures::Script,
    support::{Contents, Engine, Run, Scratch, Server, command, contents, dbsynth, engines, skipped, start},
};

/// Two tables; `engine_terms` stand behind each CREATE TABLE.
fn fill(database: &Scratch, engine: Engine, engine_terms: &str) {
    let mut script = Script::new(engine);
    script.add(&format!("CREATE TABLE shop (id INTEGER PRIMARY KEY, size INTEGER NOT NULL){engine_terms}"));
    script.rows("shop", 40, |id| format!("{id}, {}", id % 4));
    script.add(&format!(
        "CREATE TABLE sale (id INTEGER PRIMARY KEY, shop_id INTEGER NOT NULL, note VARCHAR(60), \
         FOREIGN KEY (shop_id) REFERENCES shop (id)){engine_terms}"
    ));
    script.rows("sale", 400, |id| format!("{id}, {}, 'note {}'", 1 + id % 40, id % 3));
    database.run(script.text());
}

/// A source, a target with yesterday's copy, and a folder for the state.
struct Site {
    source: Scratch,
    target: Scratch,
    state: tempfile::TempDir,
    yesterdays: Contents,
    original: Contents,
}

impl Site {
    fn new(source: Scratch, target: Scratch) -> Self {
        let state = tempfile::tempdir().unwrap();
        let (yesterdays, original) = (Contents::new(), contents(&source.url()));
        let mut site = Self { source, target, state, yesterdays, original };
        site.run("1", &["--rows", "sale=100"]).exits(0);
        site.yesterdays = contents(&site.target.url());
        site
    }

    fn arguments<'a>(&'a self, seed: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let ends = ["clone", self.source.text(), self.target.text(), "--generator", "independent"];
        let state = ["--seed", seed, "--state", self.state.path().to_str().unwrap()];
        [&ends[..], &state, more].concat()
    }

    fn run(&self, seed: &str, more: &[&str]) -> Run {
        dbsynth(&self.arguments(seed, more))
    }

    /// Nothing was lost, and the next runs succeed: one that takes up what there is, and a plain one.
    fn is_well(&self, at: &str, more: &[&str]) {
        assert!(contents(&self.target.url()) == self.yesterdays, "{at}: yesterday's copy is gone");
        assert!(contents(&self.source.url()) == self.original, "{at}: the source has changed");
        let resumed = [more, &["--resume"]].concat();
        self.run("2", &resumed).exits(0);
        let taken_up = contents(&self.target.url());
        self.run("2", more).exits(0);
        assert!(contents(&self.target.url()) == taken_up, "{at}: taken up, it is another copy");
        self.run("1", &["--rows", "sale=100"]).exits(0);
    }
}

/// The server goes down in the middle of a run, and comes up again.
fn survives_a_restart(engine: Engine) {
    let Some(mut server) = Server::start(engine, &[]) else { return };
    let named = |end: &str| format!("outage_{engine:?}_{end}").to_lowercase();
    let source = Scratch::on(engine, &named("source"), &server, "");
    fill(&source, engine, "");
    let site = Site::new(source, Scratch::on(engine, &named("target"), &server, ""));

    for line in ["train", "sample sale", "constraints"] {
        let mut run = start(&site.arguments("2", &["--rows", "sale=20000"]));
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|printed| printed.starts_with(line)), "{engine:?}: never printed: {line}");
        server.crash();
        let said: Vec<String> = lines.collect();
        let code = run.wait().unwrap().code();
        server.up();

        assert!(matches!(code, Some(3 | 4)), "{engine:?}, {line}: {code:?} {said:?}");
        site.is_well(&format!("{engine:?}, {line}"), &[]);
    }
    drop(site);
}

#[test]
fn a_restart_of_the_server_leaves_a_whole_copy_on_postgres() {
    survives_a_restart(Engine::Postgres);
}

#[test]
fn a_restart_of_the_server_leaves_a_whole_copy_on_mariadb() {
    survives_a_restart(Engine::MySql);
}

/// True if a file system of our own can be mounted, in a namespace of the child alone.
fn can_mount() -> bool {
    let mut tried = Command::new("unshare");
    tried.args(["-rm", "sh", "-c", "mount -t tmpfs -o size=100k none /mnt"]);
    let done =
        tried.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    if !done {
        skipped("a disk that is full: nothing can be mounted here; the error codes have unit tests");
    }
    done
}

#[test]
fn a_full_disk_leaves_a_whole_file() {
    if !can_mount() {
        return;
    }
    let source = Scratch::new(Engine::Sqlite, "outage_full_source");
    fill(&source, Engine::Sqlite, "");
    let site = Site::new(source, Scratch::new(Engine::Sqlite, "outage_full"));
    let folder = tempfile::tempdir().unwrap();
    let (small, out) = (folder.path().join("small"), folder.path().join("out.sqlite"));
    fs::create_dir(&small).unwrap();
    // The mount is the child's alone: it copies yesterday's file in and what is left of it out.
    let script = "mount -t tmpfs -o size=$SIZE none \"$SMALL\" && cp \"$FILE\" \"$SMALL/target.sqlite\" && \
                  { \"$@\"; code=$?; cp \"$SMALL/target.sqlite\" \"$OUT\"; ls \"$SMALL\" | wc -l >&2; exit $code; }";
    let path = small.join("target.sqlite");
    let url = format!("sqlite:{}", path.display());
    let target = site.target.text().strip_prefix("sqlite:").unwrap();
    let mut arguments = site.arguments("2", &["--rows", "sale=40000"]);
    arguments[2] = &url;
    let of_binary = command(&arguments);
    // Room for yesterday's file, then less and less for the new one.
    for size in ["400k", "200k", "64k"] {
        let mut run = Command::new("unshare");
        run.args(["-rm", "sh", "-c", script, "sh"]).arg(of_binary.get_program()).args(of_binary.get_args());
        run.envs([("SIZE", size), ("SMALL", small.to_str().unwrap()), ("OUT", out.to_str().unwrap())]);
        let output = run.env("FILE", target).env("CANDLE_NUM_THREADS", "1").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);

        assert_eq!(output.status.code(), Some(4), "{size}: {said}");
        assert!(said.contains("full") || said.contains("storage"), "{size}: {said}");
        let left = dbsynth::config::DbUrl::parse(&format!("sqlite:{}", out.display())).unwrap();
        assert!(contents(&left) == site.yesterdays, "{size}: yesterday's copy is gone");
        assert!(said.trim_end().ends_with('1'), "{size}: something is left beside the target: {said}");
        fs::remove_file(&out).unwrap();
    }
    site.is_well("sqlite, disk full", &[]);
}

#[test]
fn a_full_state_folder_stops_no_run() {
    if !can_mount() {
        return;
    }
    let source = Scratch::new(Engine::Sqlite, "outage_state_source");
    fill(&source, Engine::Sqlite, "");
    let site = Site::new(source, Scratch::new(Engine::Sqlite, "outage_state"));
    let of_binary = command(&site.arguments("2", &[])).get_program().to_owned();
    let script = "mount -t tmpfs -o size=8k none \"$SMALL\" && \"$@\"";
    let mut run = Command::new("unshare");
    run.args(["-rm", "sh", "-c", script, "sh"]).arg(of_binary).args(site.arguments("2", &[]));
    let output = run.env("SMALL", site.state.path()).env("CANDLE_NUM_THREADS", "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);

    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("[state-not-kept]"), "{said}");
}

#[test]
fn a_full_tablespace_leaves_a_whole_copy_on_postgres() {
    // The mount must be the server's: only root may make it without a namespace.
    let Some(server) = Server::start(Engine::Postgres, &[]) else { return };
    let disk = Mounted::new(server.folder(), server.user(), "8m");
    let Some(disk) = disk else { return };
    let engine = Engine::Postgres;
    let administrator = Scratch::on(engine, "outage_space_source", &server, "");
    administrator.run(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path.display()));
    fill(&administrator, engine, "");
    let target = Scratch::on(engine, "outage_space_target", &server, "TABLESPACE small");
    let site = Site::new(administrator, target);

    let failed = site.run("2", &["--rows", "sale=120000"]).exits(4);
    assert!(failed.stderr.contains("53100"), "{}", failed.stderr);
    site.is_well("postgres, tablespace full", &[]);
    drop(site);
    drop(disk);
}

#[test]
fn a_full_table_leaves_a_whole_copy_on_mariadb() {
    // A table in memory is full when it holds as much as it may: error 1114, as of a full tablespace.
    let engine = Engine::MySql;
    let Some(server) = Server::start(engine, &["--max-heap-table-size=262144"]) else { return };
    let source = Scratch::on(engine, "outage_space_source", &server, "");
    source.run(
        "CREATE TABLE shop (id INTEGER PRIMARY KEY, size INTEGER NOT NULL);\n\
         CREATE TABLE sale (id INTEGER PRIMARY KEY, cents INTEGER NOT NULL) ENGINE = MEMORY;\n\
         INSERT INTO shop SELECT seq, seq % 4 FROM seq_1_to_40;\n\
         INSERT INTO sale SELECT seq, seq % 50 FROM seq_1_to_400;\n",
    );
    let site = Site::new(source, Scratch::on(engine, "outage_space_target", &server, ""));

    let failed = site.run("2", &["--rows", "sale=60000"]).exits(4);
    assert!(failed.stderr.contains("1114"), "{}", failed.stderr);
    site.is_well("mariadb, table full", &[]);
    drop(site);
}

/// A small file system of a server's own.
struct Mounted {
    path: std::path::PathBuf,
}

impl Mounted {
    fn new(folder: &Path, user: &str, size: &str) -> Option<Self> {
        let path = folder.join("small");
        fs::create_dir(&path).unwrap();
        let owner = if user.is_empty() { String::new() } else { format!(",mode=700,uid={user}") };
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}{owner}"), "none"]).arg(&path);
        if !mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            skipped("a tablespace that is full: nothing can be mounted here; the error code has a unit test");
            return None;
        }
        Some(Self { path })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // The server still has it open: it goes when the server has gone.
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

#[test]
fn a_time_limit_of_the_target_does_not_stop_a_load() {
    let Some(engine) = engines().into_iter().find(|engine| *engine == Engine::Postgres) else { return };
    let source = Scratch::new(engine, "outage_limit_source");
    fill(&source, engine, "");
    let site = Site::new(source, Scratch::new(engine, "outage_limit_target"));
    site.target.run("ALTER DATABASE it_outage_limit_target SET statement_timeout = '40ms'");
    site.target.run("ALTER DATABASE it_outage_limit_target SET lock_timeout = '1ms'");

    site.run("2", &["--rows", "sale=20000"]).exits(0);

    assert_eq!(site.target.number("SELECT count(*) FROM sale"), 20_000);
}

#[test]
fn a_lock_on_the_source_is_not_waited_for_forever() {
    for engine in engines() {
        let named = |end: &str| format!("outage_lock_{engine:?}_{end}").to_lowercase();
        let source = Scratch::new(engine, &named("source"));
        fill(&source, engine, "");
        let site = Site::new(source, Scratch::new(engine, &named("target")));
        let file = site.state.path().join("synth.toml");
        let url = site.source.text();
        fs::write(&file, format!("[source.locked]\nurl = \"{url}\"\nlock_timeout = \"1s\"\n")).unwrap();
        let held = site.source.hold(match engine {
            Engine::Postgres => "BEGIN; LOCK TABLE sale IN ACCESS EXCLUSIVE MODE",
            Engine::MySql => "LOCK TABLES sale WRITE",
            Engine::Sqlite => "BEGIN EXCLUSIVE",
        });

        let began = Instant::now();
        let target = site.target.text();
        let failed = dbsynth(&["clone", "locked", target, "--config", file.to_str().unwrap()]).exits(3);
        let waited = began.elapsed();
        drop(held);

        assert!(waited < Duration::from_secs(20), "{engine:?}: {waited:?}");
        assert!(failed.stderr.to_lowercase().contains("lock"), "{engine:?}: {}", failed.stderr);
        site.is_well(&format!("{engine:?}, source locked"), &[]);
    }
}

#[test]
fn a_lock_on_the_target_only_delays_a_run() {
    for engine in engines().into_iter().filter(|engine| *engine != Engine::Sqlite) {
        let named = |end: &str| format!("outage_wait_{engine:?}_{end}").to_lowercase();
        let source = Scratch::new(engine, &named("source"));
        fill(&source, engine, "");
        let site = Site::new(source, Scratch::new(engine, &named("target")));
        // A reader in the middle of its work.
        let held = site.target.hold("BEGIN; SELECT count(*) FROM sale");

        let arguments = site.arguments("2", &[]);
        let mut run = start(&arguments);
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line.starts_with("sample sale")), "{engine:?}");
        std::thread::sleep(Duration::from_millis(700));
        drop(held);
        let said: Vec<String> = lines.collect();

        assert_eq!(run.wait().unwrap().code(), Some(0), "{engine:?}: {said:?}");
        assert!(contents(&site.target.url()) != site.yesterdays, "{engine:?}");
    }
}

/// Who waits for whom, and what to change, is said; nothing is lost, and the next run goes through.
#[test]
fn a_lock_on_the_target_beyond_its_limit_ends_a_run_and_the_next_one_succeeds() {
    for engine in engines().into_iter().filter(|engine| *engine != Engine::Sqlite) {
        let named = |end: &str| format!("outage_limit_{engine:?}_{end}").to_lowercase();
        let source = Scratch::new(engine, &named("source"));
        fill(&source, engine, "");
        let site = Site::new(source, Scratch::new(engine, &named("target")));
        let file = site.state.path().join("synth.toml");
        let url = site.target.text();
        fs::write(&file, format!("[target.held]\nurl = \"{url}\"\nlock_timeout = \"1s\"\n")).unwrap();
        let (from, file) = (site.source.text(), file.to_str().unwrap());
        let held = site.target.hold("BEGIN; SELECT count(*) FROM sale");

        let began = Instant::now();
        let clone = ["clone", from, "held", "--config", file, "--seed", "2", "--generator", "independent"];
        let failed = dbsynth(&clone).exits(4);
        let waited = began.elapsed();

        assert!(waited < Duration::from_secs(40), "{engine:?}: {waited:?}");
        let said = &failed.stderr;
        assert!(said.contains("dbsynth waited 1 s for a lock, and "), "{engine:?}: {said}");
        let whom = if engine == Engine::Postgres { "process " } else { "connection " };
        assert!(
            said.contains(whom) && said.contains("(login ") && said.contains("holds "),
            "{engine:?}: {said}"
        );
        assert!(engine != Engine::Postgres || said.contains("holds public.sale"), "{said}");
        assert!(said.contains("lock_timeout") && said.contains("[target.NAME]"), "{engine:?}: {said}");
        assert!(contents(&site.target.url()) == site.yesterdays, "{engine:?}: yesterday's copy stays");
        drop(held);
        site.is_well(&format!("{engine:?}, target held"), &[]);
    }
}
