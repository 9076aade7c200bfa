//! The library's error: one variant per stage.

use crate::{
    config::{ConfigError, UrlError, shown_bytes},
    db::DbError,
    files::FilesError,
    generator::GeneratorError,
    parts::PartsError,
    plan::PlanError,
    rules::ConditionError,
    sample::SampleError,
    schema::DialectName,
};

/// Why a run failed. `cli` turns it into a message with a hint and an exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A URL does not parse.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration does not fit the source.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A condition cannot be met or is not understood.
    #[error(transparent)]
    Condition(#[from] ConditionError),
    /// The source failed.
    #[error("source: {0}")]
    Source(#[source] DbError),
    /// The target failed or was refused.
    #[error("target: {0}")]
    Target(#[source] DbError),
    /// A folder of files failed or was refused.
    #[error("target: {0}")]
    Files(#[from] FilesError),
    /// The parts of a sharded generation cannot be kept or read.
    #[error("parts: {0}")]
    Parts(#[from] PartsError),
    /// Source and target are one database.
    #[error("source and target are the same database: {target}")]
    SameDatabase {
        /// The target, redacted.
        target: String,
    },
    /// Source (or model) and target are of different engines.
    #[error("a {source_engine} database cannot be cloned into {target_engine}")]
    DifferentEngines {
        /// The source's engine.
        source_engine: DialectName,
        /// The target's engine.
        target_engine: DialectName,
    },
    /// The target holds tables that dbsynth did not make.
    #[error("the target {target} holds {} table(s) that dbsynth did not make: {}", .tables.len(), shortened(.tables))]
    TargetNotEmpty {
        /// The target, redacted.
        target: String,
        /// Its tables.
        tables: Vec<String>,
    },
    /// The target holds something, and it was to be empty.
    #[error("the target {target} is not empty: it holds {}", shortened(.tables))]
    TargetTaken {
        /// The target, redacted.
        target: String,
        /// Its tables.
        tables: Vec<String>,
    },
    /// Nobody is there to be asked whether what dbsynth did not make may be removed.
    #[error("tables that dbsynth did not make would be removed, and nobody is there to be asked: {}", shortened(.tables))]
    NobodyToAsk {
        /// The tables.
        tables: Vec<String>,
    },
    /// A script or command of the user failed.
    #[error("{stage} hook {hook}: {reason}")]
    Hook {
        /// When it ran.
        stage: &'static str,
        /// The file and line, or the program.
        hook: String,
        /// What went wrong.
        reason: String,
    },
    /// A row with known values cannot be planted.
    #[error("{place}: {reason}")]
    Identity {
        /// Where it is asked for: `synth.toml:12`.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The source's schema changed since the last run, and that is to end the run.
    #[error("the schema has changed since the last run into this target: {}", .changes.join("; "))]
    Drift {
        /// What changed.
        changes: Vec<String>,
    },
    /// A run failed, and what it had built is kept.
    #[error("{source}; what was built is kept: {kept}")]
    Unfinished {
        /// Its name.
        kept: String,
        /// Why the run failed.
        source: Box<Error>,
    },
    /// Real rows would leave the source, and nobody said they may.
    #[error("this copies the real rows of {source_name} into {target}")]
    RealRows {
        /// The source, redacted.
        source_name: String,
        /// The target, redacted.
        target: String,
    },
    /// The user was asked and said no.
    #[error("nothing was changed")]
    Declined,
    /// A file cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// `read`, `write`.
        action: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A generator failed.
    #[error(transparent)]
    Generator(#[from] GeneratorError),
    /// The rows could not be generated.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// A model file cannot be read or written.
    #[error("model file {path}: {reason}")]
    ModelFile {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The user asked for something that does not fit the database.
    #[error("{0}")]
    Usage(String),
    /// The run needs more memory than it may use.
    #[error("{}", memory(*.limit, *.needed))]
    Memory {
        /// Bytes it may use.
        limit: u64,
        /// Bytes it would need to learn, about; `None` if it came to hold too many.
        needed: Option<u64>,
    },
    /// The run was interrupted.
    #[error("interrupted; the target is as it was before")]
    Interrupted,
}

fn memory(limit: u64, needed: Option<u64>) -> String {
    let limit = shown_bytes(limit);
    match needed {
        Some(needed) => {
            format!("learning needs about {} of memory, and the run may use {limit}", shown_bytes(needed))
        }
        None => format!(
            "the run came to hold more than the {limit} of memory that it may use; the target is as it was before"
        ),
    }
}

fn shortened(names: &[String]) -> String {
    const MOST: usize = 5;
    match names.len() {
        0..=MOST => names.join(", "),
        all => format!("{} and {} more", names[..MOST].join(", "), all - MOST),
    }
}
