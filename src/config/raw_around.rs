//! `[hooks]`, `[[identities]]` and the settings of a `[source.NAME]`, as they are written.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use indexmap::IndexMap;
use serde::Deserialize;
use toml::{Spanned, Value};

use crate::config::{
    Hook, Hooks, Identity, SourceSettings, Throttle, around::Planted, error::Malformed, parse_duration,
};

/// A place in the file and what is wrong there.
type Mistake = (Range<usize>, String);

/// One `[source.NAME]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceEntry {
    pub(super) url: String,
    statement_timeout: Option<Spanned<String>>,
    lock_timeout: Option<Spanned<String>>,
    throttle: Option<Spanned<String>>,
    max_connections: Option<Spanned<u32>>,
}

impl SourceEntry {
    pub(super) fn settings(&self) -> Result<SourceSettings, Mistake> {
        fn read<T>(
            text: Option<&Spanned<String>>,
            parse: fn(&str) -> Result<T, String>,
        ) -> Result<Option<T>, Mistake> {
            text.map(|text| parse(text.get_ref()).map_err(|message| (text.span(), message))).transpose()
        }
        if let Some(zero) = self.max_connections.as_ref().filter(|most| *most.get_ref() == 0) {
            return Err((zero.span(), "max_connections must be at least 1".to_owned()));
        }
        Ok(SourceSettings {
            statement_timeout: read(self.statement_timeout.as_ref(), parse_duration)?,
            lock_timeout: read(self.lock_timeout.as_ref(), parse_duration)?,
            throttle: read(self.throttle.as_ref(), Throttle::parse)?,
            max_connections: self.max_connections.as_ref().map(|most| *most.get_ref()),
            show_sql: false,
        })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHooks {
    before_load: Vec<Spanned<RawHook>>,
    after_load: Vec<Spanned<RawHook>>,
    after_swap: Vec<Spanned<RawHook>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a hook is \"file.sql\", { sql = \"file.sql\" } or { command = \"…\" }")]
enum RawHook {
    File(PathBuf),
    Sql(RawSql),
    Command(RawCommand),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSql {
    sql: PathBuf,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCommand {
    command: Words,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Words {
    Line(String),
    List(Vec<String>),
}

impl RawHooks {
    /// The hooks; files are looked for beside the file that names them.
    pub(super) fn resolved(self, file: &str) -> Result<Hooks, Mistake> {
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        let all = |raw: Vec<Spanned<RawHook>>| -> Result<Vec<Hook>, Mistake> {
            raw.into_iter()
                .map(|raw| {
                    let span = raw.span();
                    raw.into_inner().resolved(folder).map_err(|message| (span, message))
                })
                .collect()
        };
        Ok(Hooks {
            before_load: all(self.before_load)?,
            after_load: all(self.after_load)?,
            after_swap: all(self.after_swap)?,
        })
    }
}

impl RawHook {
    fn resolved(self, folder: &Path) -> Result<Hook, String> {
        let words = match self {
            Self::File(path) | Self::Sql(RawSql { sql: path }) => return Ok(Hook::Sql(folder.join(path))),
            // One text is a line for the shell.
            Self::Command(RawCommand { command: Words::Line(line) }) if !line.trim().is_empty() => {
                vec!["sh".to_owned(), "-c".to_owned(), line]
            }
            Self::Command(RawCommand { command: Words::Line(_) }) => Vec::new(),
            Self::Command(RawCommand { command: Words::List(words) }) => words,
        };
        if words.first().is_none_or(|program| program.trim().is_empty()) {
            return Err("a command needs a program".to_owned());
        }
        Ok(Hook::Command(words))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIdentity {
    table: Spanned<String>,
    #[serde(rename = "where")]
    condition: Option<String>,
    count: Option<Spanned<u32>>,
    set: IndexMap<String, Spanned<Value>>,
}

impl RawIdentity {
    pub(super) fn resolved(self, path: &str, text: &str) -> Result<Identity, Mistake> {
        let span = self.table.span();
        let count = self.count.as_ref().map_or(1, |count| *count.get_ref());
        if let Some(count) = self.count.filter(|count| *count.get_ref() == 0) {
            return Err((count.span(), "count must be at least 1".to_owned()));
        }
        if self.set.is_empty() {
            return Err((span, "`set` names no column".to_owned()));
        }
        let set = self
            .set
            .into_iter()
            .map(|(column, value)| {
                let place = value.span();
                let value = match value.into_inner() {
                    Value::Boolean(value) => Planted::Boolean(value),
                    Value::Integer(value) => Planted::Integer(value),
                    Value::Float(value) if value.is_finite() => Planted::Number(value),
                    Value::String(value) => Planted::Text(value),
                    Value::Datetime(value) => Planted::Text(value.to_string()),
                    _ => return Err((place, format!("{column} needs a text, a number or true or false"))),
                };
                Ok((column, value))
            })
            .collect::<Result<Vec<_>, Mistake>>()?;
        let line = Malformed::at(path, text, Some(span), "").line;
        Ok(Identity {
            table: self.table.into_inner(),
            condition: self.condition,
            count,
            set,
            place: Some(format!("{path}:{line}")),
        })
    }
}
