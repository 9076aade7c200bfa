//! The report of a run: what it holds, what it never holds, and how a real browser shows it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::{
    fixtures::{self, PEOPLE, address, email, person, phone},
    support::{Engine, Scratch, dbsynth, engines},
};

/// Longest that a browser may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// Everything personal of the source that a text holds.
fn canaries_in(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let full_name = |(first, last): (&str, &str)| format!("{first} {last}");
    let values = (1..=PEOPLE).flat_map(|id| [email(id), phone(id), address(id), full_name(person(id))]);
    values.filter(|value| text.contains(&value.to_lowercase())).collect()
}

fn nothing_personal_gets_into_a_report(engine: Engine) {
    if !engines().contains(&engine) {
        return;
    }
    let name = |end: &str| format!("report_{engine:?}_{end}").to_lowercase();
    let source = fixtures::household(engine, &name("source"));
    let target = Scratch::new(engine, &name("target"));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();

    let page = file("clone.html");
    let cloned = dbsynth(&["clone", source.text(), target.text(), "--yes", "--json", "--report", &page]);
    let json = file("evaluate.json");
    let evaluated = dbsynth(&["evaluate", source.text(), target.text(), "--report", &json]);
    let copy = file("copy.html");
    // The worst case: the synthetic side is the real one.
    dbsynth(&["evaluate", source.text(), source.text(), "--report", &copy]);

    let none: Vec<String> = Vec::new();
    let printed = cloned.json();
    assert!(printed["figures"]["tables"].as_array().is_some_and(|tables| !tables.is_empty()));
    assert!(printed["verdict"]["integrity"]["light"] == "good", "{}", printed["verdict"]);
    for file in [&page, &json, &copy] {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains("person"), "the table is there");
        assert_eq!(canaries_in(&text), none, "in {file}");
    }
    assert_eq!(canaries_in(&(cloned.stdout + &evaluated.stdout)), none, "in what is printed");
}

#[test]
fn nothing_personal_gets_into_a_report_of_sqlite() {
    nothing_personal_gets_into_a_report(Engine::Sqlite);
}

#[test]
fn nothing_personal_gets_into_a_report_of_postgres() {
    nothing_personal_gets_into_a_report(Engine::Postgres);
}

#[test]
fn nothing_personal_gets_into_a_report_of_mysql() {
    nothing_personal_gets_into_a_report(Engine::MySql);
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_any_work() {
    let source = fixtures::household(Engine::Sqlite, "report_refused_source");
    let target = Scratch::new(Engine::Sqlite, "report_refused_target");
    for file in ["report.pdf", "/no/such/folder/report.html"] {
        let run = dbsynth(&["clone", source.text(), target.text(), "--report", file]).exits(2);
        assert!(run.stderr.contains("--report"), "{}", run.stderr);
    }
}

#[test]
fn the_report_of_a_clone_is_shown_by_a_browser_wide_and_narrow() {
    let Some(browser) = browser() else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let chinook = concat!("sqlite:", env!("CARGO_MANIFEST_DIR"), "/fixtures/chinook.sqlite");
    let target = format!("sqlite:{}", at("synthetic.sqlite").display());
    let page = at("report.html");
    let report = page.display().to_string();
    let quick = ["--training-rows", "600", "--time-budget", "5s"];
    dbsynth(&[&["clone", chinook, &target, "--yes", "--report", &report][..], &quick].concat()).exits(0);

    // The page forbids itself to load anything: an attempt would be told on the console.
    let opened = browser.run(folder.path(), &["--dump-dom"], &page);
    assert_eq!(console(&opened), Vec::<String>::new());
    let dom = String::from_utf8_lossy(&opened.stdout).into_owned();
    for id in
        ["verdict", "order", "tables", "columns", "between", "telltales", "privacy", "findings", "settings"]
    {
        assert!(dom.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for table in ["album", "artist", "customer", "invoice", "invoice_line", "playlist_track", "track"] {
        assert!(dom.contains(&format!("id=\"t-{table}\"")), "{table}");
    }
    assert!(dom.contains("<svg"), "pictures are there");

    // The check of the console can fail: a page that asks for something is caught.
    let asking = at("asking.html");
    let html = std::fs::read_to_string(&page).unwrap();
    std::fs::write(&asking, html.replace("<main>", "<main><img src=\"http://127.0.0.1:9/x.png\">")).unwrap();
    assert!(!console(&browser.run(folder.path(), &["--dump-dom"], &asking)).is_empty());

    // No width makes the page itself scroll sideways, with every part open as well.
    let open = at("open.html");
    std::fs::write(&open, html.replace("<details class=\"table\">", "<details class=\"table\" open>"))
        .unwrap();
    for (file, width) in [(&page, 400), (&open, 400), (&open, 320), (&open, 1400)] {
        assert!(browser.scroll_width(folder.path(), file, width) <= width, "{width} in {}", file.display());
    }

    // No window is narrower than 500 pixels: the narrow picture is one of a frame.
    let narrow = at("narrow.html");
    let frame = format!(
        "<body style=margin:0><iframe style=\"border:0;width:400px;height:2990px\" src=\"file://{report}\">"
    );
    std::fs::write(&narrow, frame).unwrap();
    for (file, width) in [(&page, 1400), (&narrow, 400)] {
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{width}.png"));
        let screenshot = format!("--screenshot={}", picture.display());
        let size = format!("--window-size={width},3000");
        browser.run(folder.path(), &[&screenshot, &size, "--hide-scrollbars"], file);
        assert!(std::fs::metadata(&picture).unwrap().len() > 50_000, "{}", picture.display());
    }
}

/// A Chromium without a window.
struct Browser(PathBuf);

/// The browser, if there is one; with `CI` set there must be.
fn browser() -> Option<Browser> {
    let named = std::env::var_os("DBSYNTH_TEST_CHROMIUM").map(PathBuf::from);
    let folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect();
    let known = ["chromium", "chromium-browser", "google-chrome"];
    let candidates = known.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let found = named.into_iter().chain(candidates).find(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "CI must have a Chromium (./tests/run.sh installs one)");
        skipped();
    }
    found.map(Browser)
}

#[expect(clippy::print_stderr, reason = "a skip must be seen")]
fn skipped() {
    eprintln!("SKIPPED: there is no Chromium (./tests/run.sh installs one)");
}

impl Browser {
    /// Opens a file with a fresh profile in `folder`, and nothing of the network.
    fn run(&self, folder: &Path, arguments: &[&str], file: &Path) -> Output {
        let profile = tempfile::tempdir_in(folder).unwrap();
        let (out, err) = (folder.join("browser.out"), folder.join("browser.err"));
        let mut child = Command::new(&self.0)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(arguments)
            .arg(format!("file://{}", file.display()))
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > PATIENCE {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("the browser does not end: {}", std::fs::read_to_string(&err).unwrap());
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let output =
            Output { status, stdout: std::fs::read(&out).unwrap(), stderr: std::fs::read(&err).unwrap() };
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// How wide a page's content is in a window of `width` pixels. The page runs no script, so a frame around it asks.
    fn scroll_width(&self, folder: &Path, page: &Path, width: u32) -> u32 {
        let frame = folder.join("frame.html");
        let html = format!(
            "<!doctype html><iframe id=f style=\"border:0;width:{width}px;height:900px\" src=\"file://{}\"></iframe>\
             <script>f.onload = () => {{ document.title = \
             'width ' + f.contentDocument.scrollingElement.scrollWidth + ' of ' + f.contentWindow.innerWidth }}</script>",
            page.display()
        );
        std::fs::write(&frame, html).unwrap();
        let shown = self.run(folder, &["--dump-dom", "--allow-file-access-from-files"], &frame);
        let dom = String::from_utf8_lossy(&shown.stdout).into_owned();
        let title = dom.split_once("<title>width ").and_then(|(_, rest)| rest.split_once("</title>"));
        let (measured, of) = title.and_then(|(title, _)| title.split_once(" of ")).expect(&dom);
        assert_eq!(of.parse(), Ok(width));
        measured.parse().unwrap()
    }
}

/// What a page said on the console.
fn console(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned).collect()
}
