//! Everything that is written to stdout and stderr, and the one question asked.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::config::environment;

static ASKING: AtomicBool = AtomicBool::new(false);
static JSON: AtomicBool = AtomicBool::new(false);

/// Makes every line on stderr a JSON object.
pub(super) fn speak_json(json: bool) {
    JSON.store(json, Ordering::Relaxed);
}

/// True if every line on stderr is a JSON object.
pub(super) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Writes an object to stderr: time, level, message, and whatever else there is to say.
pub(super) fn object(level: &str, message: &str, fields: Map<String, Value>) {
    let mut object = Map::new();
    object.insert("time".to_owned(), Value::from(now()));
    object.insert("level".to_owned(), Value::from(level));
    object.extend(fields);
    object.insert("message".to_owned(), Value::from(message));
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{}", Value::Object(object));
}

#[expect(clippy::disallowed_methods, reason = "no stage: a log says when")]
fn now() -> String {
    let now: DateTime<Utc> = std::time::SystemTime::now().into();
    now.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// True while a question waits for its answer: nothing is at work that an interrupt could break.
pub(super) fn is_asking() -> bool {
    ASKING.load(Ordering::Relaxed)
}

/// Writes a result to stdout. A closed pipe (`dbsynth plan … | head`) is nobody's mistake.
pub(super) fn result(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
    let _ = out.flush();
}

/// Writes a line for people to stderr.
pub(super) fn say(text: &str) {
    if is_json() {
        return object("info", text.trim_end_matches('\n'), Map::new());
    }
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "{}", text.trim_end_matches('\n'));
}

/// Writes a failure to stderr, its labels coloured on a terminal.
pub(super) fn error(text: &str) {
    if is_json() {
        let (message, hint) =
            text.split_once("\nhint: ").map_or((text, None), |(head, hint)| (head, Some(hint)));
        let hint = hint.map(|hint| ("hint".to_owned(), Value::from(hint)));
        let message = message.strip_prefix("error: ").unwrap_or(message);
        return object("error", message, hint.into_iter().collect());
    }
    if !io::stderr().is_terminal() || environment("NO_COLOR").is_some() {
        return say(text);
    }
    let coloured: Vec<String> = text
        .lines()
        .map(|line| match (line.strip_prefix("error:"), line.strip_prefix("hint:")) {
            (Some(rest), _) => format!("\u{1b}[1;31merror:\u{1b}[0m{rest}"),
            (_, Some(rest)) => format!("\u{1b}[1;36mhint:\u{1b}[0m{rest}"),
            _ => line.to_owned(),
        })
        .collect();
    say(&coloured.join("\n"));
}

/// True if somebody sits there who can answer.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal() && environment("CI").is_none()
}

/// Asks a question that only `y` or `yes` affirms.
pub(super) fn confirm(question: &str) -> bool {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} [y/N] ");
    let _ = err.flush();
    let mut answer = String::new();
    ASKING.store(true, Ordering::Relaxed);
    let read = io::stdin().lock().read_line(&mut answer);
    ASKING.store(false, Ordering::Relaxed);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
