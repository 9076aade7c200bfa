//! An error turned into a message, a hint and an exit code. The kinds decide, never the texts.
//! Every hint has a snapshot test; the codes are documented in `docs/exit-codes.md`.

use std::fmt;

use crate::{
    config::ConfigError,
    db::{DbError, DbErrorKind},
    error::Error,
    files::FilesError,
    generator::GeneratorError,
    parts::PartsError,
    plan::PlanError,
    sample::SampleError,
};

/// Constraints are violated, or there are warnings under `--strict`.
pub(super) const FINDINGS: u8 = 1;
/// The command line or the configuration is wrong.
pub(super) const USAGE: u8 = 2;
/// The source failed.
pub(super) const SOURCE: u8 = 3;
/// The target failed.
pub(super) const TARGET: u8 = 4;
/// The target may not be written.
pub(super) const REFUSED: u8 = 5;
/// Done, but the audit found too much of real rows.
pub(super) const BREACH: u8 = 6;
/// A script or command of the user failed.
pub(super) const HOOK: u8 = 7;
/// The source's schema has changed.
pub(super) const DRIFT: u8 = 8;
/// A mistake in dbsynth.
pub(super) const INTERNAL: u8 = 70;
/// Stopped by the user.
pub(super) const INTERRUPTED: u8 = 130;

/// What the user sees of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Diagnostic {
    message: String,
    hint: Option<String>,
    /// The exit code.
    pub(super) code: u8,
}

/// Which end a database is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Source,
    Target,
}

impl Diagnostic {
    /// Finds message, hint and exit code of an error.
    pub(super) fn of(error: &Error) -> Self {
        let (code, hint) = match error {
            Error::Url(_) => (USAGE, Some(URL_FORMS.to_owned())),
            Error::Config(error) => config(error),
            Error::Plan(error) => (USAGE, plan(error)),
            Error::Condition(_) => (
                USAGE,
                Some("for example --where 'customers.country = \"IT\" AND customers.age >= 18'".to_owned()),
            ),
            Error::Source(error) => database(error, End::Source),
            Error::Target(error) => database(error, End::Target),
            Error::Files(error) => files(error),
            Error::Parts(error) => parts(error),
            Error::SameDatabase { .. } => (
                REFUSED,
                Some("give a target that is another database: the source is only ever read".to_owned()),
            ),
            Error::DifferentEngines { source_engine, .. } => {
                (USAGE, Some(format!("give a target of the same engine: {source_engine}")))
            }
            Error::TargetNotEmpty { .. } => {
                (REFUSED, Some("give an empty database, or add --replace to remove what is there".to_owned()))
            }
            Error::TargetTaken { .. } => (
                REFUSED,
                Some(
                    "give an empty database, or another --schema-mode: swap replaces what dbsynth made, replace \
                     whatever is there"
                        .to_owned(),
                ),
            ),
            Error::NobodyToAsk { .. } => {
                (REFUSED, Some("add --yes to replace them without being asked".to_owned()))
            }
            Error::Hook { stage: "after_swap", .. } => (HOOK, None),
            Error::Hook { .. } => (HOOK, Some("the target is as it was".to_owned())),
            Error::Identity { .. } => {
                (USAGE, Some("change this [[identities]] entry; the target is as it was".to_owned()))
            }
            Error::Drift { .. } => (
                DRIFT,
                Some("nothing was written; --on-drift report goes on with the schema as it is now".to_owned()),
            ),
            Error::Unfinished { kept, source } => {
                let inner = Self::of(source);
                (inner.code, Some(format!("look into {kept}; the next run removes it")))
            }
            Error::RealRows { .. } => (
                REFUSED,
                Some(
                    "if those rows may be in the target, add --copy-real-rows; nothing was changed"
                        .to_owned(),
                ),
            ),
            Error::Declined => (REFUSED, Some("add --yes to go on without being asked".to_owned())),
            Error::File { .. } => (USAGE, None),
            Error::ModelFile { .. } => {
                (USAGE, Some("give a file that `dbsynth train` of this version wrote".to_owned()))
            }
            Error::Usage(_) => (USAGE, None),
            Error::Memory { .. } => (
                USAGE,
                Some("allow more: --memory 4G; or learn from fewer rows (--training-rows), or write fewer (--scale)".to_owned()),
            ),
            Error::Interrupted
            | Error::Generator(GeneratorError::Interrupted)
            | Error::Sample(SampleError::Interrupted | SampleError::Generator(GeneratorError::Interrupted)) => {
                (INTERRUPTED, None)
            }
            Error::Sample(SampleError::Structure { .. }) => {
                (USAGE, Some("ask for fewer --rows of the child table, or for more of its parent".to_owned()))
            }
            Error::Generator(_) | Error::Sample(_) => (INTERNAL, Some(BUG.to_owned())),
        };
        Self { message: with_causes(error), hint, code }
    }

    /// The diagnostic of a panic, whose own message is on stderr already.
    pub(super) fn of_panic() -> Self {
        Self {
            message: "dbsynth met a state it holds impossible".to_owned(),
            hint: Some(BUG.to_owned()),
            code: INTERNAL,
        }
    }
}

const URL_FORMS: &str = "write postgres://user:password@host:5432/database, mysql://user:password@host:3306/database \
                         or sqlite:path/to/file.db";
const BUG: &str =
    "this is a mistake in dbsynth: please report it with the output of the same command and --log debug";

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            // Lines of a longer hint line up below its first.
            Some(hint) => write!(f, "\nhint: {}", hint.replace('\n', "\n      ")),
            None => Ok(()),
        }
    }
}

/// The message with its causes. Causes of a database error stay out: a driver may quote values in them.
fn with_causes(error: &Error) -> String {
    let mut message = error.to_string();
    if matches!(error, Error::Source(_) | Error::Target(_) | Error::Unfinished { .. }) {
        return message;
    }
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = error.source();
    }
    message
}

fn config(error: &ConfigError) -> (u8, Option<String>) {
    match error {
        ConfigError::Url(_) | ConfigError::EntryUrl { .. } => (USAGE, Some(URL_FORMS.to_owned())),
        ConfigError::UnknownName { word, known, .. } => {
            let known = match known.as_slice() {
                [] => String::new(),
                names => format!("it has: {}\n", names.join(", ")),
            };
            let file_like = std::path::Path::new(word).extension().is_some() || word.contains('/');
            let form = if word.ends_with('/') {
                "for a folder of files add --format parquet, csv or sql".to_owned()
            } else if file_like {
                format!("for a SQLite file write sqlite:{word}")
            } else {
                URL_FORMS.to_owned()
            };
            (USAGE, Some(format!("{known}{form}")))
        }
        ConfigError::WriteNotAllowed { add, .. } => {
            (REFUSED, Some(format!("if this is right, put this into synth.toml:\n{add}")))
        }
        ConfigError::Unreadable { .. } => (USAGE, Some("`dbsynth init SOURCE` writes a new one".to_owned())),
        _ => (USAGE, None),
    }
}

fn plan(error: &PlanError) -> Option<String> {
    match error {
        PlanError::UnknownTable { nearest, .. } | PlanError::UnknownColumn { nearest, .. } => {
            Some(match nearest.as_slice() {
                [] => "`dbsynth inspect SOURCE` lists all tables and columns".to_owned(),
                names => format!("did you mean {}?", names.join(" or ")),
            })
        }
        PlanError::AmbiguousTable { .. } => Some("write the name with its schema".to_owned()),
        PlanError::Contradiction { .. } => Some("keep one of the two entries".to_owned()),
        PlanError::BadContext { usable, .. } => Some(match usable.as_slice() {
            [] => "this table has no foreign key that could serve: remove `context`".to_owned(),
            keys => format!("these could serve: {}", keys.join("; ")),
        }),
        PlanError::BadReference { .. } => {
            Some("`to` names a primary or unique key, `from` columns of the same types".to_owned())
        }
        PlanError::CopyWithoutParent { table, parent, .. } => Some(format!(
            "copy the parent as well ([tables.\"{parent}\"] mode = \"copy\"),\nor do not copy {table} (mode = \"synthesize\")"
        )),
    }
}

fn parts(error: &PartsError) -> (u8, Option<String>) {
    match error {
        PartsError::Sample(SampleError::Interrupted) => (INTERRUPTED, None),
        PartsError::Damaged { .. } => {
            (TARGET, Some("remove the folder that this file is in, and start that shard again".to_owned()))
        }
        _ => (
            TARGET,
            Some(
                "all shards must see one folder with room for the rows, and may write there: --parts DIR"
                    .to_owned(),
            ),
        ),
    }
}

fn files(error: &FilesError) -> (u8, Option<String>) {
    match error {
        FilesError::Strangers { .. } => {
            (REFUSED, Some("name another folder, or add --replace to remove what is there".to_owned()))
        }
        FilesError::Refused { .. } => (REFUSED, None),
        FilesError::Interrupted => (INTERRUPTED, None),
        FilesError::Values(error) => database(error, End::Target),
        error if error.is_disk_full() => (
            TARGET,
            Some(
                "make room on that disk, or write fewer rows: --scale 0.1; the folder is as it was"
                    .to_owned(),
            ),
        ),
        _ => (
            TARGET,
            Some("the folder's parent must be there, and you must be allowed to write in it".to_owned()),
        ),
    }
}

fn database(error: &DbError, end: End) -> (u8, Option<String>) {
    let source = end == End::Source;
    let code = match error.kind {
        DbErrorKind::Interrupted => INTERRUPTED,
        DbErrorKind::Refused => REFUSED,
        _ if source => SOURCE,
        _ => TARGET,
    };
    let hint = match error.kind {
        DbErrorKind::Unreachable => {
            "is the server running, and are host and port (or the path of the file) right?"
        }
        DbErrorKind::Login => "check user and password in the URL",
        DbErrorKind::NoDatabase if source => "check the name of the database in the URL",
        DbErrorKind::NoDatabase => {
            "create the database first (CREATE DATABASE), and check its name in the URL"
        }
        DbErrorKind::Permission if source => {
            "the user needs SELECT on every table to be learned; or leave tables out with --exclude"
        }
        DbErrorKind::Permission => "the user must be allowed to create tables in the target",
        DbErrorKind::Refused if source => return (code, None),
        // It says itself what would help.
        DbErrorKind::Refused if error.message.contains("--exclude") => return (code, None),
        DbErrorKind::Constraint | DbErrorKind::Other if !source => {
            "the target is as it was; leave the table out with --exclude to go on, and please report this"
        }
        DbErrorKind::DiskFull if source => {
            "make room on the source's disk: it needs some for temporary files"
        }
        DbErrorKind::DiskFull => "make room on the target's disk, or write fewer rows: --scale 0.1",
        DbErrorKind::Timeout => "something holds a lock or the server is busy: try again later",
        DbErrorKind::Disconnected => {
            "the server or the network ended the connection: look into the server's log, then try again"
        }
        DbErrorKind::Refused => "give an empty database that is not the source, or add --replace",
        DbErrorKind::Unsupported => "dbsynth knows PostgreSQL, MySQL, MariaDB and SQLite",
        _ => return (code, None),
    };
    (code, Some(hint.to_owned()))
}
