//! The log: for people or for machines, and the statements that run on a source.

use std::{fmt, io::IsTerminal};

use serde_json::{Map, Value};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::filter_fn,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{
    cli::{
        args::{Globals, LogLevel},
        terminal,
    },
    config::environment,
};

/// Where the driver tells of statements. Only connections to a source tell of theirs.
const STATEMENTS: &str = "sqlx::query";

/// Starts to listen.
pub(super) fn start(globals: &Globals, shows_sql: bool) {
    let level = globals.log.map(|level| match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    });
    // Only our own events: a driver's may hold statements with values.
    let filter = || EnvFilter::new(format!("off,dbsynth={}", level.unwrap_or("off")));
    let for_machines = terminal::is_json();
    let people = (level.is_some() && !for_machines).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal() && environment("NO_COLOR").is_none())
            .with_filter(filter())
    });
    let machines = (level.is_some() && for_machines).then(|| Machines.with_filter(filter()));
    let statements =
        shows_sql.then(|| Statements.with_filter(filter_fn(|metadata| metadata.target() == STATEMENTS)));
    let started = tracing_subscriber::registry().with(people).with(machines).with(statements).try_init();
    if let Err(error) = started {
        terminal::say(&format!("no log: {error}"));
    }
}

/// The fields of an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), Value::from(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), Value::from(value));
    }
}

/// One JSON object per event.
struct Machines;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Machines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let message = match fields.0.shift_remove("message") {
            Some(Value::String(message)) => message,
            _ => String::new(),
        };
        terminal::object(level, &message, fields.0);
    }
}

/// Statements, as they end.
struct Statements;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let text = |name: &str| fields.0.get(name).and_then(Value::as_str).unwrap_or_default().trim();
        // A short statement is its own summary.
        let sql = if text("db.statement").is_empty() { text("summary") } else { text("db.statement") };
        let sql = sql.trim_end_matches(';');
        if terminal::is_json() {
            let told = Map::from_iter([("sql".to_owned(), Value::from(sql))]);
            terminal::object("info", "ran on the source", told);
        } else {
            terminal::say(&format!("{sql};"));
        }
    }
}
